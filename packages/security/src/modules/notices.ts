import type { Log } from '../log.ts'
import type { PlatformNotice, TwinPlatform } from '../platform.ts'
import type { PostureQueue } from './fleet-pass.ts'
import { hasOperatorTags } from './record.ts'
import type { ModuleRecords } from './records.ts'

interface Ports {
  readonly platform: TwinPlatform
  readonly records: ModuleRecords
  readonly postures: Pick<PostureQueue, 'touch'>
  readonly log: Log
}

/** Has looked at what a notice is about. @returns a function that ends it */
export function followNotices({ platform, records, postures, log }: Ports): () => void {
  const inTurn = async (deviceId: string, step: () => Promise<void>) => {
    try {
      await records.inTurn(deviceId, step)
    } catch (error) {
      log.error({ err: error, deviceId }, 'the record of a security module is not up to date')
    }
  }
  const hear = (notice: PlatformNotice) => {
    switch (notice.kind) {
      case 'messages':
      case 'hub-event':
      case 'credentials-changed':
        return
      case 'device-created':
        return void inTurn(notice.deviceId, () => records.created(notice.deviceId))
      case 'device-removed':
        return void inTurn(notice.deviceId, () => records.gone(notice.deviceId))
      case 'tags-changed':
        // Postures are tags too: what the service wrote itself tells it nothing.
        if (hasOperatorTags(notice.patch)) postures.touch(notice.deviceId)
        return
      default:
        postures.touch(notice.ref.deviceId)
    }
  }
  return platform.subscribe(hear)
}
