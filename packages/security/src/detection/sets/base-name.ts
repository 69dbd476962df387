/**
 * `/usr/bin/Bash` → `bash`, `C:\Windows\system32\netsh.exe` → `netsh`: lower case, without `.exe`.
 */
export function baseName(path: string): string {
  const slash = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  const name = path.slice(slash + 1).toLowerCase()
  return name.endsWith('.exe') ? name.slice(0, -4) : name
}
