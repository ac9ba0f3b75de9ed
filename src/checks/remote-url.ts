import { z } from 'zod'
import { RemoteFault, readRemoteUrl } from '../core/remote.ts'

/** A URL that the gate asks by itself: https, or http on this host; without credentials or fragment. */
export const remoteUrl = z.string().superRefine((text, context) => {
  const url = readRemoteUrl(text)
  if (url instanceof RemoteFault) context.addIssue({ code: 'custom', message: `${url.message}: ${url.mend}` })
})
