import { help, overview, VERBS } from '../../src/cli/main.ts'
import { fenced, GENERATED, page } from './markdown.ts'

/** docs/reference/cli.md */
export async function cliPage(): Promise<string> {
  const verbs = await Promise.all(Object.values(VERBS).map(load => load()))
  return page(
    '# Command line',
    GENERATED,
    `\`sallyport VERB [...]\`; in a checkout \`node bin/sallyport.js VERB [...]\` or \`npx sallyport VERB [...]\`. Exit codes: 0 as
asked, 1 a problem was found, 2 the command line can not be meant.`,
    fenced('text', (await overview()).replace(/^sallyport \S+:/, 'sallyport VERSION:')),
    ...verbs.map(verb => page(`## ${verb.name}`, fenced('text', help(verb))).trimEnd()),
  )
}
