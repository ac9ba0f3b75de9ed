import { cpSync, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { makeCertificates, type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const OURS = join(import.meta.dirname, '../contract')
/** The contract itself, where it is beside the checkout: its files run as they stand, on the ports they name. */
const ORIGINAL = process.env.SALLYPORT_CONTRACT ?? join(import.meta.dirname, '../../../shared/contract')

/** What stands for the CRM, or for the external service. */
interface Service {
  readonly url: string
  close(): unknown
}

/** @param folder with the development certificates. @param port 0: any */
type StartService<S extends Service> = (folder: string, port: number) => Promise<S>

export interface Standing<S extends Service = TestUpstream> {
  readonly gate: RunningGate
  readonly upstream: S
  readonly folder: string
  stop(): Promise<number | null>
}

export interface Variant<S extends Service = TestUpstream> {
  readonly name: string
  /** Why it can't run here; empty where it can. */
  readonly skip: string
  start(env: Readonly<Record<string, string>>, listeners: number): Promise<Standing<S>>
}

/** A contract config in the two forms that are tested: ours with free ports, and the original as it stands. */
export async function variants(file: string, ports: readonly number[], upstreamPort: number): Promise<Variant[]> {
  return variantsOf(file, ports, upstreamPort, (_folder, port) => startUpstream(undefined, port))
}

/** The same with another service behind the gate. */
export async function variantsOf<S extends Service>(
  file: string,
  ports: readonly number[],
  upstreamPort: number,
  service: StartService<S>,
): Promise<Variant<S>[]> {
  const taken = (
    await Promise.all([...ports, upstreamPort].map(async port => ((await isFree(port)) ? [] : [port])))
  ).flat()
  const missing = existsSync(join(ORIGINAL, file)) ? '' : 'the contract is not beside the checkout'
  return [
    { name: 'on free ports', skip: '', start: (env, listeners) => start(OURS, file, 0, env, listeners, service) },
    {
      name: 'as it stands',
      skip: missing === '' && taken.length > 0 ? `another program has port ${taken.join(', ')}` : missing,
      start: (env, listeners) => start(ORIGINAL, file, upstreamPort, env, listeners, service),
    },
  ]
}

async function start<S extends Service>(
  from: string,
  file: string,
  port: number,
  env: Readonly<Record<string, string>>,
  listeners: number,
  service: StartService<S>,
): Promise<Standing<S>> {
  const folder = tempFolder()
  cpSync(join(from, 'schemas'), join(folder, 'schemas'), { recursive: true })
  await makeCertificates(join(folder, 'certs'))
  const upstream = await service(join(folder, 'certs'), port)
  const yaml = readFileSync(join(from, file), 'utf8').replaceAll('UPSTREAM', upstream.url)
  const gate = await startGate(yaml, env, folder, listeners)
  return {
    gate,
    upstream,
    folder,
    async stop() {
      await upstream.close()
      return gate.stop()
    },
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
