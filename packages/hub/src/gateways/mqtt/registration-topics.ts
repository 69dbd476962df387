import { percentDecode } from '@twinward/protocol'

/** Who a device says it is when it comes to register (11 §3.3). */
export interface RegistrationUser {
  readonly idScope: string
  readonly registrationId: string
}

/** What a device asks. */
export interface RegistrationRequest {
  readonly rid: string
  /** Of `iotdps-get-operationstatus`; absent: it wants to register. */
  readonly operationId?: string
}

export const REGISTRATION_RESPONSES = '$dps/registrations/res/#'
const USER =
  /^([^/]{1,64})\/registrations\/([^/]{1,128})\/api-version=\d{4}-\d{2}-\d{2}(?:-preview)?(?:&.*)?$/s
const REGISTER = '$dps/registrations/PUT/iotdps-register/?'
const STATUS = '$dps/registrations/GET/iotdps-get-operationstatus/?'
const RID = /^[\w.:-]{1,128}$/
const MAX_OPERATION_CHARACTERS = 128

/** `{idScope}/registrations/{rid}/api-version=…&ClientVersion=…`; `undefined` for any other name. */
export function parseRegistrationUser(userName: string): RegistrationUser | undefined {
  const [, idScope, registrationId] = USER.exec(userName) ?? []
  if (idScope === undefined || registrationId === undefined) return undefined
  return { idScope, registrationId }
}

/** The two topics of 11 §3.3; `undefined` for any other. */
export function parseRegistrationTopic(topic: string): RegistrationRequest | undefined {
  const start = [REGISTER, STATUS].find((prefix) => topic.startsWith(prefix))
  if (start === undefined) return undefined
  const fields = new Map<string, string>()
  for (const pair of topic.slice(start.length).split('&')) {
    const equals = pair.indexOf('=')
    if (equals > 0) fields.set(pair.slice(0, equals), percentDecode(pair.slice(equals + 1)) ?? '')
  }
  const rid = fields.get('$rid') ?? ''
  if (!RID.test(rid)) return undefined
  if (start === REGISTER) return { rid }
  const operationId = fields.get('operationId') ?? ''
  if (operationId === '' || operationId.length > MAX_OPERATION_CHARACTERS) return undefined
  return { rid, operationId }
}

/** Exactly these two fields in this order: the Python client splits at `$` (11 §3.3). */
export function registrationResponseTopic(
  status: number,
  rid: string,
  retryAfterSeconds: number,
): string {
  return `$dps/registrations/res/${status}/?$rid=${rid}&retry-after=${retryAfterSeconds}`
}
