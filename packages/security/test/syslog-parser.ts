import assert from 'node:assert/strict'

/** A message of RFC 5424 whose text is CEF, taken apart strictly: whatever is not allowed throws. */
export interface ParsedSyslog {
  readonly facility: number
  readonly severity: number
  readonly timestamp: string
  readonly host: string
  readonly app: string
  readonly messageId: string
  readonly cef: ParsedCef
}

export interface ParsedCef {
  readonly header: readonly string[]
  readonly extension: { readonly [key: string]: string }
}

const HEADER =
  /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) ([\x21-\x7e]{1,128}) ([\x21-\x7e]{1,32}) - (.*)$/s

export function parseSyslog(bytes: Buffer): ParsedSyslog {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  const match = HEADER.exec(text)
  assert.ok(match, `not a message of RFC 5424: ${text.slice(0, 200)}`)
  const [, priority, timestamp = '', host = '', app = '', , messageId = '', message = ''] = match
  assert.ok(Number(priority) <= 191)
  const [facility, severity] = [Math.floor(Number(priority) / 8), Number(priority) % 8]
  return { facility, severity, timestamp, host, app, messageId, cef: parseCef(message) }
}

export function parseCef(line: string): ParsedCef {
  assert.doesNotMatch(line, /(?!\t)\p{Cc}/u, 'a control character')
  const header: string[] = []
  let at = 0
  for (let field = ''; header.length < 7; at++) {
    assert.ok(at < line.length, 'the header ends early')
    if (line[at] === '\\') {
      assert.match(line[++at] ?? '', /[\\|]/, 'a wrong escape in the header')
      field += line[at]
    } else if (line[at] === '|') {
      header.push(field)
      field = ''
    } else {
      field += line[at]
    }
  }
  assert.equal(header[0], 'CEF:0')
  assert.match(header[6] ?? '', /^(\d|10)$/)
  return { header, extension: parseExtension(line.slice(at)) }
}

function parseExtension(text: string): { readonly [key: string]: string } {
  const extension: Record<string, string> = {}
  // A key begins after a blank and ends with the next sign of equality that is not escaped.
  const pairs = text.split(/(?:^| )(?=[A-Za-z0-9]+=)/).filter((pair) => pair !== '')
  for (const pair of pairs) {
    const end = pair.indexOf('=')
    const [key, value] = [pair.slice(0, end), pair.slice(end + 1)]
    assert.match(key, /^[A-Za-z0-9]+$/)
    assert.ok(!Object.hasOwn(extension, key), `${key} twice`)
    assert.match(value, /^(?:[^\\=]|\\[\\=nr])*$/, `a wrong escape in ${key}: ${value}`)
    extension[key] = value.replace(/\\(.)/g, (_, one: string) =>
      one === 'n' ? '\n' : one === 'r' ? '\r' : one,
    )
  }
  return extension
}
