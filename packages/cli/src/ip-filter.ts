import type { Output } from './output.ts'

export const IP_FILTER_PATH = '/api/ip-filter'

/** Which addresses may connect, as the API shows it. */
export interface IpFilterView {
  readonly rules: readonly {
    readonly name: string
    readonly action: 'accept' | 'reject'
    readonly mask: string
  }[]
  readonly refusedConnections: number
}

export function showIpFilter(out: Output, view: IpFilterView): void {
  const { rules, refusedConnections } = view
  if (out.isJson) out.json(view)
  else if (rules.length === 0) out.note('No rules: every address may connect.')
  else {
    const rows = rules.map(({ name, action, mask }, at) => [String(at + 1), action, mask, name])
    out.table(['#', 'ACTION', 'ADDRESSES', 'NAME'], rows)
    out.note(`${refusedConnections} connections were refused since the server started.`)
  }
}
