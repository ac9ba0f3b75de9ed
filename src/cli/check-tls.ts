import { dirname } from 'node:path'
import { error, type Fault, type Path, warning } from '../config/fault.ts'
import type { GatewayConfig } from '../config/model.ts'
import { Loading } from '../gateway/loading.ts'
import { type TriedFiles, tryTls } from '../gateway/try-tls.ts'
import { ownState } from './own-state.ts'

/** A file that can't be read is told by the rules of the config, at its own place. */
const UNREADABLE = /\bE(?:NOENT|ACCES|ISDIR)\b/

/** What the gate would say of the files that its listeners terminate TLS with. Nothing is written, obtained or opened. */
export async function tlsFaults(config: GatewayConfig, env: NodeJS.ProcessEnv): Promise<readonly Fault[]> {
  const state = { ...ownState(), dry: true }
  const loading = new Loading(dirname(config.file), env, state)
  try {
    return config.listeners.flatMap((listener, index) =>
      tryTls(listener, loading, { ...state, file: config.file }).flatMap(tried =>
        faultsOf(['listeners', index, ...tried.path], tried),
      ),
    )
  } finally {
    await state.remotes.close()
    state.log.close()
  }
}

function faultsOf(path: Path, { failure, warnings }: TriedFiles): readonly Fault[] {
  const key = path.findLast(step => typeof step === 'string')
  if (failure) return [error(path, `${key}: ${failure.message}`, failure.mend)]
  return warnings
    .filter(({ message }) => !UNREADABLE.test(message))
    .map(({ message, mend }) => warning(path, `${key}: ${message}`, mend))
}
