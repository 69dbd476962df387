import { type DeviceRef, HubError } from '@twinward/protocol'
import type { Entry } from '../registry/registry.ts'
import { toTwinPatch } from './digital-twin-patch.ts'
import { type EtagCondition, etagMatches, formatTwinEtag } from './etag.ts'
import type { Twins } from './twins.ts'

/** How often a patch is made anew because somebody else wrote in between. */
const MAX_TRIES = 5

/**
 * Applies a JSON Patch to what a device's twin desires. It is made for the twin that it is applied to:
 * a write in between has it made again, or fails it when the caller demands an etag.
 *
 * @returns the entry after the patch, already durable
 * @throws {HubError} as `toTwinPatch` and `Twins.patch`
 */
export async function patchDigitalTwin(
  twins: Twins,
  ref: DeviceRef,
  document: unknown,
  condition: EtagCondition,
): Promise<Entry> {
  for (let tries = 1; ; tries++) {
    const { twin } = await twins.get(ref)
    const etag = formatTwinEtag(twin.etag)
    if (!etagMatches(condition, etag)) {
      throw new HubError('PreconditionFailed', 'Precondition failed: the twin was changed since.')
    }
    const { desired, reported } = twin
    const patch = toTwinPatch(document, { desired: desired.values, reported: reported.values })
    try {
      return await twins.patch(ref, { desired: patch }, { ifMatch: etag })
    } catch (error) {
      const isRace = error instanceof HubError && error.code === 'PreconditionFailed'
      if (!isRace || tries === MAX_TRIES) throw error
    }
  }
}
