import assert from 'node:assert/strict'
import { type Answer, type CallOptions, identityToken, type TestServer } from './server.ts'

export const FEEDBACK = '/messages/serviceBound/feedback'
export const VERSION = 'api-version=2021-04-12'

let devices = 0

/** A new device: what it and a service say about its messages. */
export async function newDevice(server: TestServer) {
  const deviceId = `pump-${devices++}`
  const { body: identity } = await server.call('PUT', `/devices/${deviceId}`, {
    body: { deviceId },
  })
  const key: string = identity.authentication.symmetricKey.primaryKey
  const authorization = identityToken(`${server.host}/devices/${deviceId}`, identity)
  const bound = `/devices/${deviceId}/messages/deviceBound`
  const device = (method: string, path = '', headers = {}) =>
    server.call(method, `${bound}${path}`, {
      policy: null,
      headers: { authorization, ...headers },
    })
  const send = (body: object, options: CallOptions = {}) =>
    server.call('POST', `/api${bound}`, { body, ...options })
  return { deviceId, identity, key, bound, device, send, authorization }
}

export function lockOf({ headers }: Answer): string {
  return String(headers.etag).replaceAll('"', '')
}

/** All feedback there is, completed. */
export async function takeFeedback({ call }: TestServer) {
  const batch = await call('GET', `${FEEDBACK}?${VERSION}`)
  if (batch.status === 204) return []
  assert.equal(batch.status, 200)
  const done = await call('DELETE', `${FEEDBACK}/${lockOf(batch)}?${VERSION}`)
  assert.equal(done.status, 204)
  return batch.body
}

export async function statuses(server: TestServer): Promise<readonly string[]> {
  const records = await takeFeedback(server)
  return records.map(
    (one: { originalMessageId: string; statusCode: string }) =>
      `${one.originalMessageId} ${one.statusCode}`,
  )
}
