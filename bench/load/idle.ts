import { closeAll, connectAll, describeTls } from './connection.ts'
import type { IdlePlan } from './plan.ts'
import { type Load, serveLoad } from './program.ts'

/** Load program: devices that connect and then say nothing. */
await serveLoad<IdlePlan>(async ({ target, devices, sourceAddresses }) => {
  const connections = await connectAll(
    devices.map((device, index) => {
      const localAddress = sourceAddresses[index % sourceAddresses.length]
      return { target, device, filters: [], ...(localAddress !== undefined && { localAddress }) }
    }),
  )
  const [first] = connections
  if (!first) throw new Error('The plan names no device.')
  return {
    tls: describeTls(first.socket),
    run: () => Promise.reject(new Error('Idle devices have nothing to run.')),
    close: () => closeAll(connections),
  } satisfies Load
})
