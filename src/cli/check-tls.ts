import { dirname } from 'node:path'
import { error, type Fault, type Path, warning } from '../config/fault.ts'
import type { GatewayConfig, RouteConfig } from '../config/model.ts'
import { Offline } from '../core/resources.ts'
import { Loading } from '../gateway/loading.ts'
import { type TriedFiles, tryTls } from '../gateway/try-tls.ts'
import { loadClientTls } from '../tls/client.ts'
import { TlsProblem } from '../tls/problem.ts'
import { ownState } from './own-state.ts'

/** A file that can't be read is told by the rules of the config, at its own place. */
const UNREADABLE = /\bE(?:NOENT|ACCES|ISDIR)\b/

/**
 * What the gate would say of the files that its listeners terminate TLS with, and that its bridges show and trust. Nothing is
 * written, obtained or opened.
 */
export async function tlsFaults(config: GatewayConfig, env: NodeJS.ProcessEnv): Promise<readonly Fault[]> {
  const state = { ...ownState(), dry: true }
  const loading = new Loading(dirname(config.file), env, state)
  try {
    const ofListeners = config.listeners.flatMap((listener, index) =>
      tryTls(listener, loading, { ...state, file: config.file }).flatMap(tried =>
        faultsOf(['listeners', index, ...tried.path], tried),
      ),
    )
    return [...ofListeners, ...config.routes.flatMap((route, index) => bridgeFaults(route, index, loading))]
  } finally {
    await state.remotes.close()
    state.log.close()
  }
}

/** A gate that runs goes on with the files that it had: what does not fit is no error, and is told all the same. */
function bridgeFaults({ name, forward }: RouteConfig, index: number, loading: Loading): readonly Fault[] {
  if (forward.tls === undefined) return []
  try {
    loadClientTls(forward.tls, loading.resources(name))
    return []
  } catch (fault) {
    // What is missing is told by the rules of the config.
    if (fault instanceof Offline) return []
    if (!(fault instanceof TlsProblem)) throw fault
    const told = `route "${name}" would be offline (503) at a start: ${fault.message}`
    return [warning(['routes', index, 'forward', 'tls'], told, fault.mend)]
  }
}

function faultsOf(path: Path, { failure, warnings }: TriedFiles): readonly Fault[] {
  const key = path.findLast(step => typeof step === 'string')
  if (failure) return [error(path, `${key}: ${failure.message}`, failure.mend)]
  return warnings
    .filter(({ message }) => !UNREADABLE.test(message))
    .map(({ message, mend }) => warning(path, `${key}: ${message}`, mend))
}
