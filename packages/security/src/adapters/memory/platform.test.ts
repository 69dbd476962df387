import { platformContract } from '../../../test/contracts/platform.ts'
import { FakeClock } from '../../../test/fake-clock.ts'
import { MemoryPlatform } from './platform.ts'

platformContract(async () => {
  const platform = new MemoryPlatform(new FakeClock())
  return {
    platform,
    createDevice: async (deviceId, tags) => {
      platform.addDevice(deviceId)
      if (tags) platform.addDevice(deviceId, tags)
    },
    removeDevice: async (deviceId) => platform.removeDevice(deviceId),
    removeModule: async (ref) => platform.removeModule(ref),
    setKeys: async (deviceId, ...keys) => platform.setKeys({ deviceId }, keys),
    report: async (ref, patch) => platform.report(ref, patch),
    sendSecurityMessage: async (ref, body) => platform.sendMessage(ref, body),
    recordEvent: async (subject) =>
      platform.activity.addEvent({ kind: 'ca.add', outcome: 'success', subject }),
    setIpRule: async (rule) => platform.hubSetup.change({ ipRules: [rule] }),
    close: async () => {},
  }
})
