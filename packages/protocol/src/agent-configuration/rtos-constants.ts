/** One constant that the RTOS security module is built with; nothing in a twin changes it. */
export interface RtosConstant {
  readonly name: string
  /** As the header of the module has it. */
  readonly default: string | number | boolean
  readonly unit: string
  readonly description: string
}

function constant(
  name: string,
  fallback: RtosConstant['default'],
  description: string,
  unit = '',
): RtosConstant {
  return { name, default: fallback, unit, description }
}

/** What an RTOS module does unless its firmware was built otherwise. */
export const rtosConstants: readonly RtosConstant[] = [
  constant('securityModuleId', 'defender-iot-micro-agent', 'ASC_SECURITY_MODULE_ID'),
  constant('componentVersion', '3.2.1', 'Of release 6.1; late ones have 3.5.4'),
  constant('sendRetry', 3, 'Pause before a message is sent again', 'seconds'),
  constant('pendingTime', 300, 'Time to become active before it is suspended', 'seconds'),
  constant('firstCollection', 30, 'After the start', 'seconds'),
  constant('highInterval', 10, 'Send interval of the class High', 'seconds'),
  constant('mediumInterval', 30, 'Send interval of the class Medium', 'seconds'),
  constant('lowInterval', 60, 'Send interval of the class Low', 'seconds'),
  constant('tcpDisabled', false, 'Whether TCP is not observed'),
  constant('udpDisabled', false, 'Whether UDP is not observed'),
  constant('icmpDisabled', false, 'Whether ICMP is not observed'),
  constant('unicastOnly', true, 'Whether only unicast traffic is observed'),
  constant('sendEmptyEvents', false, 'Whether events without content are sent'),
  constant('ipv4Cache', 64, 'IPv4 connections that are remembered', 'entries'),
  constant('ipv6Cache', 64, 'IPv6 connections that are remembered', 'entries'),
  constant('heartbeatEnabled', true, 'Whether heartbeats are sent'),
  constant('networkActivityEnabled', true, 'Whether network activity is collected'),
  constant('systemInformationEnabled', true, 'Whether system information is collected'),
  constant('maxHubDevices', 64, 'Devices of a hub that are served at once', 'devices'),
]
