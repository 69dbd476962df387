import type { SettingRemark } from '@twinward/protocol'
import { type Era, HubError, type JsonObject, refuseMistakes } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { Serial } from '../serial.ts'
import type { ConfigurationStore, HistoryEntry, Layer, Rollout } from './configuration-store.ts'
import {
  isEmptyLayer,
  judgeLayer,
  type LayeredSettings,
  type LayerJudgement,
  layeredFor,
} from './layers.ts'
import { changesBetween } from './provenance.ts'

/** Who asks for a change. */
export interface Caller {
  readonly by: string
  /** Whether they may set what lets an agent run code. */
  readonly isPrivileged: boolean
}

/** The hub's layer, or that of the group with this name, in lower case. */
export type LayerName = 'hub' | { readonly group: string }

/** A layer and how far its last change has come. */
export interface LayerState {
  readonly layer: Layer
  readonly rollout: Rollout
  /** After a change only. */
  readonly warnings?: readonly SettingRemark[]
}

/** More changes than there are settings are no honest request. */
const MAX_CHANGES = 200
/** As tags of twins hold them, with room to spare. */
export const MAX_GROUP_CHARACTERS = 128
/** Bytes of JSON of one layer: it must fit into the desired properties of every device. */
const MAX_LAYER_BYTES = 16 * 1024

interface Ports {
  readonly configurations: ConfigurationStore
  readonly clock: Clock
  readonly log: Log
}

/** The settings that devices share: those of the hub and of security groups. Kept in memory whole. */
export class SharedSettings {
  readonly #ports: Ports
  readonly #changes = new Serial()
  readonly #changed: () => void
  #layers: Promise<Map<string | null, Layer>> | undefined
  #count: number | undefined

  /** @param changed  called after every change, when it is durable */
  constructor(ports: Ports, changed: () => void) {
    this.#ports = ports
    this.#changed = changed
  }

  /** Whether it is known that no layer has a setting; false before they were read. */
  get areNone(): boolean {
    return this.#count === 0
  }

  /** Whether any layer has a setting. */
  async areThereAny(): Promise<boolean> {
    return (await this.#load()).size > 0
  }

  /** What devices of a group inherit, for agents of an era. */
  async layeredFor(era: Era, group: string): Promise<LayeredSettings> {
    const layers = await this.#load()
    return layeredFor(era, layers.get(null), layers.get(group))
  }

  async show(name: LayerName): Promise<LayerState> {
    const group = groupOf(name)
    const layer = (await this.#load()).get(group) ?? emptyLayer(group)
    return { layer, rollout: await this.#ports.configurations.rollout() }
  }

  /** Layers of groups, in the order of their names. */
  async groups(): Promise<readonly Layer[]> {
    const layers = [...(await this.#load()).values()]
    const named = layers.filter(({ group }) => group !== null)
    return named.sort((a, b) => ((a.group ?? '') < (b.group ?? '') ? -1 : 1))
  }

  /**
   * Changes settings of a layer; devices get them in the background.
   *
   * @param settings  by name; `null` takes one away
   * @returns the layer after the change; already durable
   * @throws {HubError} `ArgumentInvalid` that lists every mistake; `GenericForbidden` for privileged
   *   settings without the right; `IotHubQuotaExceeded` for one group too many
   */
  change(name: LayerName, settings: JsonObject, caller: Caller): Promise<LayerState> {
    return this.#changes.run(() => this.#change(groupOf(name), settings, caller))
  }

  async #change(group: string | null, settings: JsonObject, caller: Caller): Promise<LayerState> {
    const { configurations, clock, log } = this.#ports
    const layers = await this.#load()
    const before = layers.get(group) ?? emptyLayer(group)
    const judged = judge(before, settings, caller)
    const { legacy, micro, warnings } = judged
    const timeMs = clock.now()
    const version = before.version + 1
    const layer: Layer = { group, legacy, micro, version, changedMs: timeMs, by: caller.by }
    checkSize(layer)
    const entry: HistoryEntry = {
      ...{ timeMs, group, deviceId: null, moduleId: null, by: caller.by },
      layer: group === null ? 'hub' : 'group',
      changes: [
        ...changesBetween('legacy', before.legacy, legacy),
        ...changesBetween('micro', before.micro, micro),
      ],
    }
    if (entry.changes.length > 0) {
      await configurations.saveLayer(layer, entry)
      this.#hold(layers, layer)
      const names = entry.changes.map((change) => change.name)
      const fields = { group, by: caller.by, names, privileged: judged.privileged }
      log.info(fields, 'shared security settings changed')
      this.#changed()
    }
    return {
      layer: entry.changes.length > 0 ? layer : before,
      rollout: await configurations.rollout(),
      warnings,
    }
  }

  #hold(before: ReadonlyMap<string | null, Layer>, layer: Layer): void {
    const layers = new Map(before)
    if (isEmptyLayer(layer)) layers.delete(layer.group)
    else layers.set(layer.group, layer)
    this.#layers = Promise.resolve(layers)
    this.#count = layers.size
  }

  async #load(): Promise<Map<string | null, Layer>> {
    this.#layers ??= this.#read()
    try {
      return await this.#layers
    } catch (error) {
      this.#layers = undefined
      throw error
    }
  }

  async #read(): Promise<Map<string | null, Layer>> {
    const layers = await this.#ports.configurations.layers()
    this.#count = layers.length
    return new Map(layers.map((layer) => [layer.group, layer]))
  }
}

/** A group's name as layers know it. @throws {HubError} `ArgumentInvalid` */
export function readGroupName(text: string): string {
  const name = text.trim().toLowerCase()
  if (name === '' || name.length > MAX_GROUP_CHARACTERS || /\p{Cc}/u.test(name)) {
    throw new HubError(
      'ArgumentInvalid',
      `The name of a group has 1 to ${MAX_GROUP_CHARACTERS} characters, none of them control.`,
    )
  }
  return name
}

function judge(before: Layer, settings: JsonObject, caller: Caller): LayerJudgement {
  const count = Object.keys(settings).length
  if (count === 0) throw new HubError('ArgumentInvalid', 'settings names nothing to change.')
  if (count > MAX_CHANGES) {
    throw new HubError('ArgumentInvalid', `${count} changes at once, at most ${MAX_CHANGES}.`)
  }
  const judged = judgeLayer(before, settings)
  refuseMistakes(judged.mistakes)
  refuseWithoutRight(judged.privileged, caller)
  return judged
}

/** @throws {HubError} `GenericForbidden` */
export function refuseWithoutRight(privileged: readonly string[], { isPrivileged }: Caller): void {
  if (privileged.length === 0 || isPrivileged) return
  throw new HubError(
    'GenericForbidden',
    `${privileged.join(', ')}: this policy may not change what lets an agent run code.`,
  )
}

function checkSize(layer: Layer): void {
  const bytes = Buffer.byteLength(JSON.stringify([layer.legacy, layer.micro]))
  if (bytes <= MAX_LAYER_BYTES) return
  const limit = `${MAX_LAYER_BYTES} bytes`
  throw new HubError('ArgumentInvalid', `The settings take ${bytes} bytes, at most ${limit}.`)
}

function groupOf(name: LayerName): string | null {
  return name === 'hub' ? null : name.group
}

function emptyLayer(group: string | null): Layer {
  return { group, legacy: {}, micro: {}, version: 0, changedMs: 0, by: '' }
}
