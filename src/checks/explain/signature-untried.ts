import { possible, proven } from './finding.ts'

/** What keeps a signature from being tried at all. */
export const UNTRIED = {
  masked: proven({
    level: 'warn',
    cause: 'signature.masked',
    because: "the credential is masked in the file, so it can't be tried",
    mend: 'let the running gate explain it by its id (sallyport explain REQUEST-ID), or name a file that has the header as it was sent',
  }),
  cut: possible({
    cause: 'signature.body-cut',
    because: 'the body was kept in part, or not read, so nothing could be tried over it',
    mend: 'raise the bytes that captures keep of a body, and let the sender send again',
  }),
} as const
