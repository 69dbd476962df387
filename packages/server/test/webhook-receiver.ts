import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { issueCa, issueServer } from '../src/tls/issue.ts'

export const WEBHOOK_SECRET = 'a secret for tests'

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of many shapes
  readonly body: any
}

/** An HTTPS server of somebody else, as a webhook knows it. */
export interface WebhookReceiver extends AsyncDisposable {
  readonly url: string
  readonly caFile: string
  /** What came and was not refused, oldest first. */
  readonly received: Received[]
  /** What it answers from now on. */
  answerWith(status: number): void
}

/** @param port  0 = any free one */
export async function startWebhookReceiver(port = 0): Promise<WebhookReceiver> {
  const folder = mkdtempSync(join(tmpdir(), 'webhook-'))
  const ca = await issueCa(Date.now(), 'CA of the receiver')
  const { certificate, key } = await issueServer(ca, ['127.0.0.1'], Date.now())
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, ca.certificate)
  const received: Received[] = []
  let status = 204
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const bytes = Buffer.concat(chunks)
      if (status < 300) {
        received.push({ headers: request.headers, bytes, body: JSON.parse(bytes.toString()) })
      }
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    caFile,
    received,
    answerWith: (next) => {
      status = next
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true })
    },
  }
}

/** The example of docs/operate/notifications.md, as a reader would copy it. */
export async function documentedVerification(): Promise<
  (secret: string, body: Buffer, signature: string | undefined) => boolean
> {
  const file = new URL('../../../docs/operate/notifications.md', import.meta.url)
  const [, code] = /```js\n(.*?)```/s.exec(readFileSync(file, 'utf8')) ?? []
  if (code === undefined) throw new Error('docs/operate/notifications.md has no example')
  const folder = mkdtempSync(join(tmpdir(), 'example-'))
  try {
    const module = join(folder, 'verify.mjs')
    writeFileSync(module, code)
    return (await import(pathToFileURL(module).href)).isAuthentic
  } finally {
    rmSync(folder, { recursive: true })
  }
}
