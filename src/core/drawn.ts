/**
 * Random text of any length, cut from what is drawn for many at once: a call of the system's generator costs more than all
 * the rest. What is left of a drawing is dropped where it is too short.
 *
 * @param draw at least as much as is ever asked for
 */
export function drawn(draw: () => string): (length: number) => string {
  let pool = ''
  let used = 0
  return length => {
    if (used + length > pool.length) {
      pool = draw()
      used = 0
    }
    used += length
    return pool.slice(used - length, used)
  }
}
