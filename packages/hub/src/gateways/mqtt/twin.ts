import { randomUUID } from 'node:crypto'
import {
  HubError,
  hubErrors,
  isJsonObject,
  MAX_PROPERTIES_BYTES,
  parseJson,
  parseTwinRequest,
  refKey,
  type TwinPatch,
  type TwinRequest,
  toHubError,
  twinResponseTopic,
} from '@twinward/protocol'
import { deviceView } from '../../twins/view.ts'
import type { Answer } from './answers.ts'
import type { Connection } from './connection.ts'
import type { Publish } from './packets.ts'
import type { Session } from './session.ts'

export const TWIN_TOPICS = '$iothub/twin/'
/** Topic and header of an answer, near enough. */
const MAX_TOPIC_BYTES = 256
/** What the answer to a GET is counted as while it is under way: both sections at their largest. */
const TWIN_BYTES = 2 * MAX_PROPERTIES_BYTES
const VERSION = /^\d{1,15}$/

/**
 * A twin request. Once its topic is understood it is always answered, never a reason to close. It need
 * not wait for those before it: the registry shows a GET every patch called before it and none after.
 */
export function receiveTwinRequest(
  session: Session,
  connection: Connection,
  publish: Publish,
): void {
  const request = parseTwinRequest(publish.topic)
  if (!request) session.refusePublish(publish, 'a twin request without $rid, or an unknown one')
  else if (request.operation === 'patch') patchReported(session, connection, publish, request)
  else void getTwin(session, connection, publish, request)
}

/**
 * A device patches its reported properties. Patches are not waited for one by one: the registry keeps
 * their order and commits them in groups.
 *
 *     → $iothub/twin/PATCH/properties/reported/?$rid=7    {"fw":"1.1","old":null}
 *     ← $iothub/twin/res/204/?$rid=7&$version=9           (empty)
 *     ← $iothub/twin/res/400/?$rid=7                      {"errorCode":400004,"message":"…",…}
 */
function patchReported(
  session: Session,
  connection: Connection,
  publish: Publish,
  request: TwinRequest,
): void {
  const isWanted = session.subscribed('twin-responses')
  const answer = connection.reserve(publish.sizeBytes)
  answer.pubackId = publish.packetId
  const failed = (thrown: unknown) => {
    refuse(session, answer, request, thrown)
    if (!isWanted) answer.topic = ''
    connection.settle(answer)
  }
  // Not an async function: this is the hot path, and that would be a promise more for every patch.
  startPatch(session, publish, request).then((version) => {
    if (isWanted) answer.topic = twinResponseTopic(204, request.rid, version)
    connection.settle(answer)
  }, failed)
}

/** Never throws: a request that is wrong rejects, as a patch does that is. */
function startPatch(session: Session, publish: Publish, request: TwinRequest): Promise<number> {
  try {
    checkHasTwins(session)
    const ifVersion = parseVersion(request.version)
    return session.hub.twins.updateReported(session.ref, parsePatch(publish), ifVersion)
  } catch (thrown) {
    return Promise.reject(thrown)
  }
}

/**
 * A device asks for its twin:
 *
 *     → $iothub/twin/GET/?$rid=7        (empty)
 *     ← $iothub/twin/res/200/?$rid=7    {"desired":{…,"$version":4},"reported":{…,"$version":9}}
 */
async function getTwin(
  session: Session,
  connection: Connection,
  publish: Publish,
  request: TwinRequest,
): Promise<void> {
  const isWanted = session.subscribed('twin-responses')
  const answer = connection.reserve(publish.sizeBytes + TWIN_BYTES)
  answer.pubackId = publish.packetId
  try {
    checkHasTwins(session)
    const { twin } = await session.hub.twins.get(session.ref)
    if (isWanted) {
      answer.topic = twinResponseTopic(200, request.rid)
      answer.payload = fitting(session, deviceView(twin))
      answer.desiredVersion = twin.desired.version
    }
  } catch (thrown) {
    refuse(session, answer, request, thrown)
    if (!isWanted) answer.topic = ''
  }
  connection.settle(answer)
}

/** Answers an error when the client said that it takes no packet of that size. */
function fitting({ maxPacketBytes }: Session, text: string): string {
  const bytes = maxPacketBytes === Number.POSITIVE_INFINITY ? 0 : Buffer.byteLength(text)
  if (bytes + MAX_TOPIC_BYTES <= maxPacketBytes) return text
  throw new HubError(
    'MessageTooLarge',
    `The twin is larger than packets of ${maxPacketBytes} bytes.`,
  )
}

function checkHasTwins({ hasTwins }: Session): void {
  if (hasTwins) return
  throw new HubError('GenericBadRequest', 'Twins need an api-version in the user name.')
}

function parsePatch(publish: Publish): TwinPatch {
  const text = publish.text()
  if (text === undefined) throw new HubError('ArgumentInvalid', 'The body is not UTF-8.')
  const patch = parseJson(text, 'ArgumentInvalid')
  if (isJsonObject(patch)) return patch
  throw new HubError('ArgumentInvalid', 'The body is not a JSON object.')
}

function parseVersion(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (VERSION.test(text)) return Number(text)
  throw new HubError('ArgumentInvalid', '$version is not a number.')
}

/** Envelope C (00 §4.3): Node reads only the body, the other SDKs only the topic. */
function refuse(session: Session, answer: Answer, { rid }: TwinRequest, thrown: unknown): void {
  const { code, message } = toHubError(thrown)
  const { number, status } = hubErrors[code]
  const timestampUtc = new Date(session.hub.clock.now()).toISOString()
  const trackingId = `${randomUUID().replaceAll('-', '')}-G:0-TimeStamp:${timestampUtc}`
  if (code === 'ServerError') {
    const fields = { err: thrown, ref: refKey(session.ref), trackingId }
    session.hub.log.error(fields, 'a twin request failed')
  }
  answer.topic = twinResponseTopic(status, rid)
  answer.payload = JSON.stringify({ errorCode: number, message, trackingId, timestampUtc })
}
