/** Whether an error says that no file descriptor is left: to this process (EMFILE), or on the whole host (ENFILE). */
export function isOutOfDescriptors(error: unknown): error is Error & { readonly code: 'EMFILE' | 'ENFILE' } {
  return error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE')
}
