import { isUtf8 } from 'node:buffer'
import { HubError, isJsonObject, parseJson } from '@twinward/protocol'

const NUL = 0

/**
 * Checks what a device says when it registers, over any protocol: nothing is needed of it, a `payload`
 * is for allocation that there is not, but it must not speak of another device. Empty and a NUL at the
 * end are allowed (13, quirk 3).
 *
 * @throws {HubError} `GenericBadRequest`, `ArgumentInvalid`
 */
export function checkRegistrationBody(body: Buffer | undefined, own: string): void {
  const end = body?.at(-1) === NUL ? -1 : undefined
  const bytes = body?.subarray(0, end)
  if (!bytes || bytes.length === 0) return
  if (!isUtf8(bytes)) throw new HubError('GenericBadRequest', 'The body is not UTF-8.')
  const value = parseJson(bytes.toString())
  const { registrationId = own } = isJsonObject(value) ? value : {}
  if (!isJsonObject(value) || String(registrationId).toLowerCase() !== own.toLowerCase()) {
    throw new HubError('ArgumentInvalid', 'registrationId must be the one the device comes with.')
  }
}
