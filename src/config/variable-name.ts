/** How the secrets and tokens of well-known services begin. */
const PREFIXES =
  /^(whsec_|whsk_|whpk_|[sr]k_(live|test)_|gh[opsur]_|github_pat_|glpat[-_]|xox[a-z]-|xapp-|shp(ss|at|pa|ca)_|SG\.|AKIA[0-9A-Z]{12}|eyJ|pat-|pdl_ntfset_|dop_v1_|-----BEGIN)/

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Whether a text begins as a service's secrets do. */
export const hasSecretPrefix = (text: string): boolean => PREFIXES.test(text)

/** Whether it can be the name of an environment variable at all. */
export const isVariableName = (text: string): boolean => NAME.test(text)

/**
 * Whether a text that could be a name is rather the secret itself, written in its place: it begins as one, or is as long
 * and as mixed as random text. Of names, words stand between the digits.
 */
export function looksLikeSecret(text: string): boolean {
  if (hasSecretPrefix(text)) return true
  if (!/^[A-Za-z0-9]{20,}$/.test(text)) return false
  const changes = text.match(/\d+/g)?.length ?? 0
  return changes >= 3
}
