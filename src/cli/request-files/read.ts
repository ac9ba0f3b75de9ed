import { type CurlWorld, readCurl } from './curl.ts'
import { type FileRequest, fileFault } from './file-request.ts'
import { readHar } from './har.ts'
import { isHttpFile, readHttpFile } from './http-file.ts'
import { isCapture, readCapture } from './own-capture.ts'
import { readRawHttp, readVerbose } from './raw-http.ts'
import { isShellScript, readShellScript } from './shell-script.ts'

const FORMS = 'a HAR file, a capture of the gate, a curl command, what curl -v prints, or an HTTP request as text'

/**
 * The requests of a file, whatever its form: it is told by what stands in it.
 * @param entry the place of the one that is wanted, from 1; of the others no more than the label has to be read
 * @throws VerbFault that says line and mend
 */
export function readRequestFile(bytes: Buffer, world: CurlWorld, entry?: string): readonly FileRequest[] {
  if (bytes.length === 0) throw fileFault('the file is empty', `write ${FORMS} into it`)
  if (/^(?:\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2)))
    throw fileFault(
      'the file is UTF-16',
      'save it as UTF-8; in PowerShell: curl.exe ... | Out-File -Encoding utf8 FILE',
    )
  const bom = bytes.subarray(0, 3).equals(Buffer.from('\ufeff')) ? 3 : 0
  const plain = bytes.subarray(bom)
  const text = plain.toString('utf8')
  const start = text.trimStart()
  if (/^[{[]/.test(start)) return readJson(start)
  if (isShellScript(start)) return [readShellScript(start, world)]
  if (/^(?:\$ |> )?(?:[^\s'"]*[/\\])?curl(?:\.exe)?[\s^\\]/.test(start) && !/^> [A-Z]+ \S+ HTTP\//m.test(start))
    return [readCurl(start.replace(/^[$>] /, ''), world)]
  if (/^> [A-Z]+ \S+ HTTP\//m.test(text)) return [readVerbose(text)]
  if (/[A-Z]{3,20} \/\S* HTTP\/1\.[01]\r?\n/.test(plain.toString('latin1')) && !/^###/m.test(text))
    return [readRawHttp(plain)]
  if (isHttpFile(text)) return readHttpFile(text, world, entry)
  if (/[A-Z]{3,20} \S+ HTTP\/1\.[01]\r?\n/.test(plain.toString('latin1'))) return [readRawHttp(plain)]
  throw fileFault('the file holds no request', `it may be ${FORMS}`)
}

function readJson(text: string): readonly FileRequest[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw fileFault(
      `it begins as JSON, and is none: ${(error as Error).message.slice(0, 200)}`,
      'export it again, whole',
    )
  }
  if (Array.isArray(value)) return value.map(readCapture)
  return isCapture(value) ? [readCapture(value)] : readHar(value)
}
