import {
  type DeviceRef,
  formatPropertyBag,
  type MessageProperties,
  refKey,
  sasResource,
  telemetryTopic,
} from '@twinward/protocol'
import { connect, type MqttClient } from 'mqtt'
import { tlsOptions } from './api-client.ts'
import { CommandError } from './command.ts'
import { connectionError } from './connection-error.ts'
import { signToken } from './sign.ts'
import type { Target } from './target.ts'

const API_VERSION = '2021-04-12'
/** From dialling to PUBACK. */
const SEND_TIMEOUT_MS = 30_000
const NOT_AUTHORIZED = 5

export interface OutgoingMessage extends MessageProperties {
  readonly body: Buffer
}

/**
 * Connects as a device or module and publishes one message; resolves after its PUBACK, when the
 * message is durable.
 *
 * @param key  the identity's key, base64
 * @throws {CommandError} when the server cannot be reached or refuses
 */
export async function sendByMqtt(
  target: Target,
  ref: DeviceRef,
  key: string,
  message: OutgoingMessage,
): Promise<void> {
  const client = open(target, ref, key)
  const failed = failureOf(client, target)
  try {
    const connected = new Promise((resolve) => client.once('connect', resolve))
    await Promise.race([connected, failed])
    const published = client.publishAsync(topicOf(ref, message), message.body, { qos: 1 })
    await Promise.race([published, failed])
    await Promise.race([client.endAsync(), failed.catch(() => {})])
  } catch (error) {
    throw explain(error, target)
  } finally {
    client.end(true)
  }
}

/** Rejects on an error, when the connection ends and when it takes too long. */
function failureOf(client: MqttClient, { host, mqttPort }: Target): Promise<never> {
  return new Promise((_, reject) => {
    client.on('error', reject)
    // The hub closes the connection instead of refusing a message: MQTT 3.1.1 has no other way.
    client.on('close', () => {
      reject(new CommandError('The server closed the connection without accepting the message.'))
    })
    const seconds = SEND_TIMEOUT_MS / 1000
    AbortSignal.timeout(SEND_TIMEOUT_MS).addEventListener('abort', () => {
      reject(new CommandError(`${host}:${mqttPort} did not acknowledge within ${seconds} s.`))
    })
  })
}

function open(target: Target, ref: DeviceRef, key: string): MqttClient {
  const { host, hostName, mqttPort } = target
  return connect({
    protocol: 'mqtts',
    host,
    port: mqttPort,
    ...(tlsOptions(target) as object),
    protocolVersion: 4,
    clientId: refKey(ref),
    username: `${hostName}/${refKey(ref)}/?api-version=${API_VERSION}`,
    password: signToken(sasResource(hostName, ref), key),
    // A kept session would hand us the device's messages and acknowledge them.
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: SEND_TIMEOUT_MS,
  })
}

/** `devices/pump-1/messages/events/%24.ct=text%2Fplain&colour=red` */
function topicOf(ref: DeviceRef, properties: MessageProperties): string {
  return `${telemetryTopic(ref)}${formatPropertyBag(properties)}`
}

function explain(error: unknown, target: Target): CommandError {
  if (error instanceof CommandError) return error
  const { code } = error as { code?: unknown }
  if (code === NOT_AUTHORIZED) {
    return new CommandError(
      'The server refuses this identity: is the device disabled, or were its keys just changed?',
    )
  }
  return connectionError(error, target, target.mqttPort)
}
