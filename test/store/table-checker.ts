import { KeyTable, viewsOf } from '../../src/store/key-table.ts'

// Where src/store/key-table.ts keeps them.
const [TOP, SIZE, FREE] = [2, 3, 4]
const [ROW_WORDS, ROW_NUMBERS] = [8, 4]

/** A table's rows as they lie in the memory; by the key's hash, its two numbers. */
export function rowsOf(memory: ArrayBufferLike): Map<string, readonly [number, number]> {
  const { head, words, numbers } = viewsOf(memory)
  const rows = new Map<string, readonly [number, number]>()
  for (let row = 0; row < (head[TOP] ?? 0); row++) {
    const [first = 0, second = 0] = numbers.subarray(row * ROW_NUMBERS + 2)
    if (Number.isNaN(second)) continue
    const hash = words.subarray(row * ROW_WORDS, row * ROW_WORDS + 4).join()
    if (rows.has(hash)) throw new Error(`two rows hold the key ${hash}`)
    rows.set(hash, [first, second])
  }
  return rows
}

/** @throws where a row is not found by its slot, the free rows are not all in the list, or the size is wrong */
export function checkTable(memory: ArrayBufferLike): void {
  const { head, words, numbers, slots } = viewsOf(memory)
  const [top = 0, size = 0] = [head[TOP], head[SIZE]]
  const live = rowsOf(memory).size
  if (size !== live) throw new Error(`the size is ${size}, and ${live} rows are live`)
  const used = slots.filter(slot => slot !== 0)
  if (used.length !== live || new Set(used).size !== live)
    throw new Error(`${used.length} slots are used, for ${live} rows`)
  const mask = slots.length - 1
  const free = new Set<number>()
  for (let next = head[FREE] ?? 0; next !== 0; next = numbers[(next - 1) * ROW_NUMBERS + 2] ?? 0) {
    if (free.has(next - 1)) throw new Error(`row ${next - 1} is twice in the list of free rows`)
    free.add(next - 1)
  }
  for (let row = 0; row < top; row++) {
    const isFree = Number.isNaN(numbers[row * ROW_NUMBERS + 3])
    if (isFree !== free.has(row)) throw new Error(`row ${row} is ${isFree ? 'free and not' : 'live and'} in the list`)
    if (isFree) continue
    let slot = (words[row * ROW_WORDS] ?? 0) & mask
    for (; slots[slot] !== row + 1; slot = (slot + 1) & mask)
      if (slots[slot] === 0) throw new Error(`row ${row} is not found from its slot`)
  }
  if (free.size !== top - live) throw new Error(`${free.size} rows are in the list of free rows, of ${top - live}`)
}

/** What a key hashes to in a table, as `rowsOf` writes it. */
export function hashIn(memory: ArrayBufferLike, key: string): string {
  const probe = KeyTable.memory(2)
  viewsOf(probe).seed.set(viewsOf(memory).seed)
  const table = new KeyTable(probe)
  table.aim(key)
  table.insert(0, 0)
  return [...rowsOf(probe).keys()].join()
}
