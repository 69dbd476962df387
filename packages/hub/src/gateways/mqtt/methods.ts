import { methodRequestTopic, parseMethodResponse } from '@twinward/protocol'
import type { MethodRequest } from '../../methods/methods.ts'
import { Answer } from './answers.ts'
import type { Connection } from './connection.ts'
import type { Publish } from './packets.ts'
import { REASON } from './reasons.ts'
import type { Session } from './session.ts'

export const METHOD_RESPONSES = '$iothub/methods/res/'

/**
 * A service calls a device (03 §10):
 *
 *     ← $iothub/methods/POST/reboot/?$rid=7f3a    {"delay":5}    (QoS 0)
 *     → $iothub/methods/res/200/?$rid=7f3a        {"ok":true}
 */
export function sendMethod(connection: Connection, { name, rid, payload }: MethodRequest): void {
  const answer = new Answer()
  answer.topic = methodRequestTopic(name, rid)
  answer.payload = payload
  connection.send(answer)
}

/** The answer of a device; whether anybody waits for it is not the device's concern. */
export function receiveMethodResponse(
  session: Session,
  connection: Connection,
  publish: Publish,
): void {
  const response = parseMethodResponse(publish.topic)
  if (!response) {
    session.refusePublish(publish, 'a method response without $rid or status')
    return
  }
  if (!session.hub.permissions.allows(session.ref, 'methods')) {
    session.refusePublish(publish, 'a method response of a security module', REASON.notAuthorized)
    return
  }
  session.hub.methods.answer(session, response.rid, response.status, publish.body)
  const answer = new Answer()
  answer.pubackId = publish.packetId
  connection.send(answer)
}
