import { DEFAULT_SECURITY_MODULE_ID, isSecurityModuleId } from '@twinward/protocol'
import type { PlatformModule } from '../platform.ts'

/** The security modules among a device's modules, whatever their era. */
export function securityModules(
  modules: readonly PlatformModule[],
  canonicalId = DEFAULT_SECURITY_MODULE_ID,
): readonly PlatformModule[] {
  return modules.filter(({ ref }) => isSecurityModuleId(ref.moduleId, canonicalId))
}

/**
 * The one security module that speaks for a device. During a migration two eras live side by side;
 * then the connected one does, else the one that reported or was active last, else the canonical
 * one. `undefined` when the device has none.
 */
export function pickLogicalModule(
  modules: readonly PlatformModule[],
  canonicalId = DEFAULT_SECURITY_MODULE_ID,
): PlatformModule | undefined {
  const candidates = securityModules(modules, canonicalId)
  return candidates.reduce<PlatformModule | undefined>((best, module) => {
    if (best === undefined) return module
    return compare(module, best, canonicalId) < 0 ? module : best
  }, undefined)
}

/** Negative when `a` is to be preferred. Total, so that the order of a listing never matters. */
function compare(a: PlatformModule, b: PlatformModule, canonicalId: string): number {
  const canonical = (module: PlatformModule) => Number(module.ref.moduleId === canonicalId)
  return (
    Number(b.connected) - Number(a.connected) ||
    lastReportMs(b) - lastReportMs(a) ||
    b.lastActivityMs - a.lastActivityMs ||
    canonical(b) - canonical(a) ||
    (a.ref.moduleId < b.ref.moduleId ? -1 : 1)
  )
}

/** 0 for a module that never reported: the section's birth is no report. */
function lastReportMs({ reported, reportedUpdatedMs = 0 }: PlatformModule): number {
  return Object.keys(reported).some((name) => !name.startsWith('$')) ? reportedUpdatedMs : 0
}
