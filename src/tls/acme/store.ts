import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { AcmeFault } from './fault.ts'

/**
 * What outlives the gate of one CA: the account and each name's certificate with its key, a file each, of mode 0600 in a
 * folder of mode 0700. A file is replaced as a whole: whoever reads it finds the old one or the new one.
 */
export class AcmeStore {
  /** Of this CA, absolute. */
  readonly folder: string
  readonly #shown: string

  /** @param base absolute; what `folder` is relative to. @param directory the CA's URL */
  constructor(base: string, folder: string, directory: string) {
    const { host, pathname } = new URL(directory)
    const ca = `${host}${pathname}`.replace(/[^A-Za-z0-9.-]+/g, '-').replace(/^[.-]+|-+$/g, '')
    this.#shown = join(folder, ca)
    this.folder = resolve(base, folder, ca)
  }

  /** The file of a name's key and chain, as logs and metrics show it. */
  shown(name: string): string {
    return join(this.#shown, `${name}.pem`)
  }

  /** The key and the chain of a name, PEM; `undefined` where there are none. @throws AcmeFault where they can't be read */
  readCertificate(name: string): Buffer | undefined {
    return this.#read(this.#certificatePath(name))
  }

  /** The permission bits of that file; `undefined` where it isn't there. */
  modeOf(name: string): number | undefined {
    return statSync(this.#certificatePath(name), { throwIfNoEntry: false })?.mode
  }

  /** `undefined` where there is none. @throws AcmeFault where it can't be read */
  readAccount(): string | undefined {
    return this.#read(this.#accountPath)?.toString('utf8')
  }

  /** @throws AcmeFault */
  writeAccount(text: string): void {
    this.#write(this.#accountPath, text)
  }

  /** @param pem the key, and the chain with its leaf first. @throws AcmeFault */
  writeCertificate(name: string, pem: string): void {
    this.#write(this.#certificatePath(name), pem)
  }

  #certificatePath(name: string): string {
    return join(this.folder, `${name}.pem`)
  }

  get #accountPath(): string {
    return join(this.folder, 'account.json')
  }

  #read(path: string): Buffer | undefined {
    try {
      return readFileSync(path)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw new AcmeFault(`${path} can not be read: ${codeOf(error)}`, "let the gate's user read it")
    }
  }

  #write(path: string, text: string): void {
    const fresh = `${path}.${process.pid}.new`
    let made = false
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 })
      rmSync(fresh, { force: true })
      const file = openSync(fresh, 'wx', 0o600)
      made = true
      try {
        writeFileSync(file, text)
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      renameSync(fresh, path)
      const folder = openSync(this.folder, 'r')
      try {
        fsyncSync(folder)
      } finally {
        closeSync(folder)
      }
    } catch (error) {
      if (made) rmSync(fresh, { force: true })
      throw new AcmeFault(
        `${path} can not be written: ${codeOf(error)}`,
        "let the gate's user write into the folder of store, and see whether the disk is full",
      )
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error)
}
