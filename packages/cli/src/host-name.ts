import { DEFAULT_MQTT_PORT, type Target } from './target.ts'

/** The HostName of a connection string: with the port when it is not the protocol's own. */
export function hostNameWithPort(hostName: string, port: number, defaultPort: number): string {
  return port === defaultPort ? hostName : `${hostName}:${port}`
}

/** Devices and modules connect by MQTT first of all. */
export function deviceHostName({ hostName, mqttPort }: Target): string {
  return hostNameWithPort(hostName, mqttPort, DEFAULT_MQTT_PORT)
}
