import type { DeviceLogin, RequestsPlan } from '../load/plan.ts'
import { LoadDriver } from '../load-driver.ts'
import type { Peer } from '../peers/peer.ts'
import { fleetDeviceId, fleetKey, MODULE_ID } from '../peers/query-fleet.ts'
import { CONNECTED_MODULES } from '../peers/query-store.ts'
import { signSas } from '../peers/sas.ts'

const API_VERSION = '2021-04-12'

/** Modules that hold an MQTT session and can report. */
export function connectModules(peer: Peer): Promise<LoadDriver> {
  const { serverName } = peer.target
  const devices: DeviceLogin[] = Array.from({ length: CONNECTED_MODULES }, (_, index) => {
    const deviceId = `${fleetDeviceId(index)}/${MODULE_ID}`
    const resource = `${serverName}/devices/${fleetDeviceId(index)}/modules/${MODULE_ID}`
    return {
      deviceId,
      userName: `${serverName}/${deviceId}/?api-version=${API_VERSION}`,
      password: signSas(resource, fleetKey(index)),
    }
  })
  const plan: RequestsPlan = { target: peer.target, devices, operation: 'patch', inFlight: 1 }
  return LoadDriver.connect(peer, 'mqtt-requests.ts', plan)
}
