import type { TwinPlatform } from '../src/platform.ts'

/** A platform whose calls go through `intercept` first, which may throw in their place. */
export function interceptPlatform(
  platform: TwinPlatform,
  intercept: (call: keyof TwinPlatform, args: readonly unknown[]) => void | Promise<void>,
): TwinPlatform {
  return {
    listDevices: async (...args) => {
      await intercept('listDevices', args)
      return platform.listDevices(...args)
    },
    listModules: async (...args) => {
      await intercept('listModules', args)
      return platform.listModules(...args)
    },
    listModuleMarks: async (...args) => {
      await intercept('listModuleMarks', args)
      return platform.listModuleMarks(...args)
    },
    sendSecurityMessage: async (...args) => {
      await intercept('sendSecurityMessage', args)
      return platform.sendSecurityMessage(...args)
    },
    deviceGeneration: async (...args) => {
      await intercept('deviceGeneration', args)
      return platform.deviceGeneration(...args)
    },
    listCredentialMarks: async (...args) => {
      await intercept('listCredentialMarks', args)
      return platform.listCredentialMarks(...args)
    },
    credentialMarks: async (...args) => {
      await intercept('credentialMarks', args)
      return platform.credentialMarks(...args)
    },
    findModule: async (...args) => {
      await intercept('findModule', args)
      return platform.findModule(...args)
    },
    deviceTags: async (...args) => {
      await intercept('deviceTags', args)
      return platform.deviceTags(...args)
    },
    createModule: async (...args) => {
      await intercept('createModule', args)
      return platform.createModule(...args)
    },
    patchTwin: async (...args) => {
      await intercept('patchTwin', args)
      return platform.patchTwin(...args)
    },
    readMessages: async (...args) => {
      await intercept('readMessages', args)
      return platform.readMessages(...args)
    },
    releaseMessages: async (...args) => {
      await intercept('releaseMessages', args)
      return platform.releaseMessages(...args)
    },
    subscribe: (listener) => platform.subscribe(listener),
  }
}
