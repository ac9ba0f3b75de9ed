import { checkKinds } from '../../src/checks/index.ts'
import { configSchema, type JsonSchema } from '../../src/config/schema.ts'
import { checkTable } from './checks.ts'
import { keysOf, keyTable } from './keys.ts'
import { fenced, GENERATED, page } from './markdown.ts'

/** Blocks with a heading of their own. */
const SECTIONS = [
  'listeners[]',
  'listeners[].tls',
  'listeners[].limits',
  'admin',
  'captures',
  'alerts',
  'telemetry.otlp',
  'routes[]',
  'routes[].match',
  'routes[].forward',
  'routes[].forward.tls',
  'routes[].forward.authenticate',
  'routes[].forward.pace',
  'routes[].forward.retry',
  'routes[].forward.breaker',
  'routes[].forward.body',
  'routes[].forward.proxy',
]

const UNITS = `## How values are written

- **Sizes** have a unit: \`512B\`, \`512KiB\`, \`1MiB\`, \`1.5GiB\`; 1 KiB is 1024 bytes.
- **Durations** have a unit: \`250ms\`, \`10s\`, \`5m\`, \`24h\`, \`7d\`.
- **Rates** are a count and a period: \`10/s\`, \`300/min\`, \`1000/h\`, \`5000/d\`.
- **Dates** are days, valid through their end in UTC (\`2030-06-30\`), or exact times (\`2030-06-30T12:00:00Z\`).
- **Networks** are CIDR or single addresses: \`192.0.2.0/24\`, \`2001:db8::/32\`, \`192.0.2.7\`.
- **Paths of files** are relative to the folder of the config file.
- **Keys** are in kebab case. An unknown key is refused, with the nearest one that is known.`

const SECRETS = `## Secrets

A secret never stands in the config; the config says where it is. \`{ env: NAME }\` names an environment variable,
\`{ file: path }\` a file. A secret that is missing takes the routes that need it offline (503), and no others. One with a blank, a
line end, an invisible character or a leading "Bearer " is an error in the config: \`sallyport check\` says which character
it is, where, and how to write the value without it. A file is looked at again when it changes; a variable only at a start.`

/** docs/reference/config.md */
export function configPage(example: string): string {
  const schema = configSchema(checkKinds)
  return page(
    '# Config',
    GENERATED,
    `One YAML file. \`sallyport check FILE\` reads it as \`run\` does and prints every problem at once with its line, column and
mend; \`--plan\` prints what it comes to, with every default. [sallyport.schema.json](sallyport.schema.json) is the same
as a JSON Schema for editors; \`sallyport schema\` prints it.`,
    `The least that runs:`,
    fenced('yaml', example),
    UNITS,
    SECRETS,
    '## The file',
    keyTable(keysOf(schema, '', path => path !== '')),
    ...SECTIONS.map(path => section(schema, path)),
    `## routes[].checks[]\n\nEach entry is one check: its name and its settings. [checks.md](checks.md) has them in full.\n\n${checkTable('checks.md#')}`,
  )
}

function section(root: JsonSchema, path: string): string {
  const schema = at(root, path)
  const rows = keysOf(schema, '', key => SECTIONS.includes(`${path}.${key}`) || key === 'checks')
  return page(`## ${path}`, schema.description ?? '', keyTable(rows)).trimEnd()
}

function at(root: JsonSchema, path: string): JsonSchema {
  let here = root
  for (const step of path.split('.')) {
    const child = here.properties?.[step.replace('[]', '')]
    const next = typeof child === 'object' && step.endsWith('[]') ? child.items : child
    if (typeof next !== 'object' || Array.isArray(next)) throw new Error(`the config has no ${path}`)
    here = next
  }
  return here
}
