/** Base names of command shells. */
export const SHELLS: ReadonlySet<string> = new Set([
  'sh',
  'bash',
  'dash',
  'ash',
  'zsh',
  'ksh',
  'csh',
  'tcsh',
  'hush',
])

/** The shells of Windows: what a remote shell serves there. */
export const WINDOWS_SHELLS: ReadonlySet<string> = new Set(['cmd', 'powershell', 'pwsh'])
