import type { JsonObject } from '@twinward/protocol'
import type { IPublishPacket } from 'mqtt-packet'
import { until } from '../../../hub/test/hub.ts'
import { publishPacket, RawClient } from '../../../hub/test/raw-mqtt.ts'
import { type AgentTarget, agentToken, type ModuleCredential, openTls } from './target.ts'
import type { AgentTransport, OutgoingMessage, TwinDocument } from './transport.ts'

const RESPONSES = '$iothub/twin/res/'
const DESIRED = '$iothub/twin/PATCH/properties/desired/'
const KEEP_ALIVE_S = 240
/** The C agent says `$.ce` where it means the type, and escapes in lower case (13, quirk 9). */
const C_AGENT_BAG =
  '%24.ce=application%2fjson&%24.ifid=urn%3aazureiot%3aSecurity%3aSecurityAgent%3a1'

export interface MqttOptions {
  /** Of the topic; default: the C agent's. */
  readonly bag?: string
  readonly clientType?: string
}

/**
 * MQTT as the C SDK speaks it: no server name in TLS, a kept session, both twin filters in one
 * SUBSCRIBE, numeric request ids, GETs that overlap.
 */
export class MqttTransport implements AgentTransport {
  readonly client: RawClient
  readonly #events: string
  readonly #bag: string
  readonly #listeners = new Set<(patch: JsonObject) => void>()
  #seen = 0
  #nextId = 1

  private constructor(client: RawClient, events: string, bag: string) {
    this.client = client
    this.#events = events
    this.#bag = bag
    client.stream.on('data', () => this.#tell())
  }

  /** @throws {Error} with the code of a CONNACK that refuses */
  static async open(
    target: AgentTarget,
    { deviceId, moduleId, key, certificate }: ModuleCredential,
    { bag = C_AGENT_BAG, clientType = 'iothubclient%2f1.3.8' }: MqttOptions = {},
  ): Promise<MqttTransport> {
    const { hostName, mqttPort } = target
    const client = new RawClient(await openTls(target, mqttPort, certificate))
    const resource = `${hostName}%2fdevices%2f${deviceId}%2fmodules%2f${moduleId}`
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: false,
      keepalive: KEEP_ALIVE_S,
      clientId: `${deviceId}/${moduleId}`,
      username: `${hostName}/${deviceId}/${moduleId}/?api-version=2020-09-30&DeviceClientType=${clientType}`,
      ...(key && { password: Buffer.from(agentToken(resource, key)) }),
    })
    const [connack] = await client.receive('connack')
    if (connack?.returnCode !== 0) throw new Error(`CONNACK ${connack?.returnCode}`)
    const events = `devices/${deviceId}/modules/${moduleId}/messages/events/`
    return new MqttTransport(client, events, bag)
  }

  /** Both filters at once. */
  async subscribe(): Promise<void> {
    this.client.subscribe(`${RESPONSES}#`, `${DESIRED}#`)
    await this.client.receive('suback')
  }

  async getTwin(): Promise<TwinDocument> {
    // Two at a time: a retry does not wait for the first one to fail.
    const ids = [this.#nextId++, this.#nextId++]
    for (const id of ids) this.client.publish(`$iothub/twin/GET/?$rid=${id}`)
    const [first] = await Promise.all(ids.map((id) => this.#response(id, 200)))
    return JSON.parse(first?.payload.toString() ?? '')
  }

  async report(patch: JsonObject): Promise<void> {
    const id = this.#nextId++
    const topic = `$iothub/twin/PATCH/properties/reported/?$rid=${id}`
    this.client.publish(topic, JSON.stringify(patch))
    await this.#response(id, 204)
  }

  async send(...messages: readonly OutgoingMessage[]): Promise<void> {
    const ids = messages.map((message) => this.publish(message))
    for (const id of ids) await this.acknowledged(id)
  }

  /** Sends without waiting. @param packetId  of a message that is sent once more, marked as such */
  publish({ body, properties = {} }: OutgoingMessage, packetId?: number): number {
    const id = packetId ?? this.#nextId++
    const extra = Object.entries(properties).map(([name, value]) => `&${name}=${value}`)
    const packet = publishPacket(`${this.#events}${this.#bag}${extra.join('')}`, body, id)
    this.client.send({ ...packet, dup: packetId !== undefined } as IPublishPacket)
    return id
  }

  async acknowledged(packetId: number): Promise<void> {
    await until(() => {
      if (this.isClosed) throw new Error('the hub has closed the connection')
      return this.client.packets.some(
        (packet) => packet.cmd === 'puback' && packet.messageId === packetId,
      )
    }, `the PUBACK of ${packetId}`)
  }

  onDesired(listener: (patch: JsonObject) => void): void {
    this.#listeners.add(listener)
  }

  get isClosed(): boolean {
    return this.client.isClosed
  }

  closed(): Promise<void> {
    return this.client.closed()
  }

  cut(): void {
    this.client.stream.destroy()
  }

  async #response(id: number, status: number): Promise<IPublishPacket> {
    const topic = `${RESPONSES}${status}/?$rid=${id}`
    let found: IPublishPacket | undefined
    await until(() => {
      found = this.#publishes().find((packet) => packet.topic.split('&')[0] === topic)
      return found !== undefined
    }, topic)
    if (!found) throw new Error('unreachable')
    return found
  }

  #publishes(): readonly IPublishPacket[] {
    return this.client.packets.filter((packet) => packet.cmd === 'publish')
  }

  #tell(): void {
    const changes = this.#publishes().filter(({ topic }) => topic.startsWith(DESIRED))
    for (const { payload } of changes.slice(this.#seen)) {
      this.#seen++
      const patch = JSON.parse(payload.toString()) as JsonObject
      for (const listener of this.#listeners) listener(patch)
    }
  }
}
