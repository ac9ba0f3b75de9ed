/** Stands for the thread's end in the middle of what it writes. */
export class Died extends Error {
  override readonly name = 'Died'
}

/** Counts writes down; at the one after the last, and at each from then on, the thread is dead. */
export class Fuse {
  /** Writes that are still done; infinite while nobody is to die. */
  left = Number.POSITIVE_INFINITY

  burn(): void {
    if (this.left-- <= 0) throw new Died('in the middle')
  }
}

/** The same views, whose writes burn the fuse. */
export function mortal<T extends object>(views: T, fuse: Fuse): T {
  const wrapped = Object.entries(views).map(([name, view]) => [name, name === 'lock' ? view : wrap(view, fuse)])
  return Object.fromEntries(wrapped)
}

function wrap<T extends object>(view: T, fuse: Fuse): T {
  return new Proxy(view, {
    get(target, at) {
      const value: unknown = Reflect.get(target, at)
      if (typeof value !== 'function') return value
      // `fill`, as one write.
      return (...given: unknown[]): unknown => {
        fuse.burn()
        return Reflect.apply(value, target, given)
      }
    },
    set(target, at, value) {
      fuse.burn()
      return Reflect.set(target, at, value)
    },
  })
}

/** Runs it until so many writes are done; whether it died before its end. */
export function dies(fuse: Fuse, writes: number, run: () => void): boolean {
  fuse.left = writes
  try {
    run()
    return false
  } catch (error) {
    if (error instanceof Died) return true
    throw error
  } finally {
    fuse.left = Number.POSITIVE_INFINITY
  }
}
