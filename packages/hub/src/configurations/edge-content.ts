import { type DeviceRef, HubError, type JsonObject, type TwinPatch } from '@twinward/protocol'
import type { Identities } from '../registry/identities.ts'
import { EDGE_MANAGER } from '../registry/system-modules.ts'
import type { WriteAuthor } from '../twins/desired-review.ts'
import { formatTwinEtag } from '../twins/etag.ts'
import { replacementPatch } from '../twins/patch.ts'
import type { Twins } from '../twins/twins.ts'
import { isWhole, leavesOf, pathsOf, readContent } from './content.ts'
import { patchOf } from './leaves.ts'

/** Somebody else may write the same twin meanwhile. */
const MAX_ATTEMPTS = 3

/** Writes the modules of one edge device at once (`applyConfigurationContent`, 08 §2.1). */
export class EdgeContent {
  readonly #identities: Pick<Identities, 'get' | 'listModules' | 'createModule'>
  readonly #twins: Pick<Twins, 'get' | 'patch'>

  constructor(
    identities: Pick<Identities, 'get' | 'listModules' | 'createModule'>,
    twins: Pick<Twins, 'get' | 'patch'>,
  ) {
    this.#identities = identities
    this.#twins = twins
  }

  /**
   * Module by module; modules that are missing are created. `properties.desired` replaces all desired
   * properties, a longer path what is there.
   *
   * @throws {HubError} `DeviceNotFound`; `ArgumentInvalid` for a device that is no edge device;
   *   `InvalidConfigurationContent`; as `Twins.patch`
   */
  async apply(deviceId: string, body: unknown, author: WriteAuthor | undefined): Promise<void> {
    const { identity } = await this.#identities.get({ deviceId })
    if (!identity.iotEdge) throw new HubError('ArgumentInvalid', 'Not an Azure IoT Edge device')
    const { modules } = pathsOf(readContent(body))
    if (!modules) {
      throw new HubError('InvalidConfigurationContent', 'An edge device needs modulesContent.')
    }
    const present = await this.#identities.listModules(deviceId)
    for (const [moduleId, paths] of Object.entries(modules)) {
      const ref = { deviceId, moduleId }
      if (present.every((entry) => entry.ref.moduleId !== moduleId)) {
        await this.#identities.createModule(ref, { managedBy: EDGE_MANAGER })
      }
      await this.#write(ref, paths, author)
    }
  }

  async #write(ref: DeviceRef, paths: JsonObject, author: WriteAuthor | undefined): Promise<void> {
    const wanted = patchOf(leavesOf(paths))
    if (!isWhole(paths)) {
      if (Object.keys(wanted).length > 0) await this.#patch(ref, wanted, author)
      return
    }
    for (let attempt = 1; ; attempt++) {
      const { twin } = await this.#twins.get(ref)
      const patch = replacementPatch(twin.desired.values, wanted)
      try {
        await this.#patch(ref, patch, author, formatTwinEtag(twin.etag))
        return
      } catch (error) {
        const isLostRace = error instanceof HubError && error.code === 'PreconditionFailed'
        if (!isLostRace || attempt === MAX_ATTEMPTS) throw error
      }
    }
  }

  async #patch(
    ref: DeviceRef,
    desired: TwinPatch,
    author: WriteAuthor | undefined,
    ifMatch = '*',
  ): Promise<void> {
    await this.#twins.patch(ref, { desired }, { ifMatch }, author)
  }
}
