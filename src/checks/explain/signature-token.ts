import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import type { BodyRequest } from '../../core/request.ts'
import { proven } from './finding.ts'
import { nearSecret } from './near-secret.ts'
import type { HeldSecret } from './signature-keys.ts'
import { tokenTexts, withToken } from './token-texts.ts'

/**
 * Near misses of a service that sends a bare token in a header, and signs nothing: other readings of the request.
 * @param header of the scheme
 * @param verifies the scheme's own answer
 */
export function tokenFindings(
  { request }: Pick<Explaining<unknown>, 'request'>,
  header: string,
  secrets: readonly HeldSecret[],
  verifies: (request: BodyRequest) => boolean,
): readonly Finding[] {
  const name = header.toLowerCase()
  const [sent = ''] = request.headers.all(name)
  for (const { token, differs } of tokenTexts(request, name)) {
    if (token === sent || !verifies(withToken(request, name, token))) continue
    const told = differs ?? {
      cause: 'prefix',
      because: `"Bearer" stands before the token in ${header}`,
      mend: 'let the sender write the token alone',
    }
    return [proven({ ...told, cause: `signature.${told.cause}` })]
  }
  for (const { name: secret, secret: held } of secrets) {
    const near = nearSecret(held.text(), sent)
    if (near)
      return [
        proven({
          cause: `signature.${near.cause}`,
          because: `it is the secret "${secret}" ${near.because}`,
          evidence: { secret },
          mend: 'give it to the service again, whole',
        }),
      ]
  }
  return []
}
