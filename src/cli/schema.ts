import { checkKinds } from '../checks/index.ts'
import { configSchema } from '../config/schema.ts'
import { EXIT, type Verb, wrongUsage } from './verb.ts'

/** Prints the JSON Schema that editors complete and check a config with. */
export const schema: Verb = {
  name: 'schema',
  summary: 'Prints the JSON Schema of the config file, for editors.',
  usage: '',
  examples: [
    'sallyport schema > sallyport.schema.json',
    "sed -i '1i # yaml-language-server: $schema=sallyport.schema.json' gate.yaml",
  ],
  options: {},
  async run({ positionals }, io) {
    if (positionals.length > 0) return wrongUsage(io, schema, 'it takes no arguments')
    io.stdout.write(`${JSON.stringify(configSchema(checkKinds), null, 2)}\n`)
    return EXIT.ok
  },
}
