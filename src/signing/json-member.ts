import { readJsonObject } from './jws.ts'

/**
 * The text of a JSON object with one more member, before the others: parsed and written again, its numbers might change.
 * `undefined` where it is no object, or has the member.
 */
export function withMember(json: Buffer, name: string, value: unknown): Buffer | undefined {
  const object = readJsonObject(json)
  if (object === undefined || Object.hasOwn(object, name)) return undefined
  const text = json.toString('utf8')
  const open = text.indexOf('{') + 1
  const comma = Object.keys(object).length === 0 ? '' : ','
  return Buffer.from(
    `${text.slice(0, open)}${JSON.stringify(name)}:${JSON.stringify(value)}${comma}${text.slice(open)}`,
  )
}
