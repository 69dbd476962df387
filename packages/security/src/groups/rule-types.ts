/**
 * The rule types of security groups (security 04 §6): the published ones, spelled as published, and
 * ours in the same manner. Each raises `IoT_CA_<ruleType>`.
 */

export interface RuleType {
  readonly ruleType: string
  readonly displayName: string
  readonly description: string
}

/** What the values of a list are. */
export type ValueType = 'IpCidr' | 'String'

export interface ListRuleType extends RuleType {
  readonly valueType: ValueType
}

export interface TimeWindowRuleType extends RuleType {
  /** `hub`: counted by the hub; `agent`: counted from what the security agent sends. */
  readonly source: 'hub' | 'agent'
}

/** Counts within a window. */
export const TIME_WINDOW_RULE_TYPES = [
  ...windowType('ActiveConnectionsNotInAllowedRange', 'active connections', 'agent'),
  ...windowType('AmqpC2DMessagesNotInAllowedRange', 'cloud-to-device messages over AMQP'),
  ...windowType(
    'AmqpC2DRejectedMessagesNotInAllowedRange',
    'rejected cloud-to-device messages over AMQP',
  ),
  ...windowType('AmqpD2CMessagesNotInAllowedRange', 'device-to-cloud messages over AMQP'),
  ...windowType('DirectMethodInvokesNotInAllowedRange', 'calls of direct methods'),
  ...windowType('FailedLocalLoginsNotInAllowedRange', 'failed local logins', 'agent'),
  ...windowType('FileUploadsNotInAllowedRange', 'file uploads'),
  ...windowType('HttpC2DMessagesNotInAllowedRange', 'cloud-to-device messages over HTTP'),
  ...windowType(
    'HttpC2DRejectedMessagesNotInAllowedRange',
    'rejected cloud-to-device messages over HTTP',
  ),
  ...windowType('HttpD2CMessagesNotInAllowedRange', 'device-to-cloud messages over HTTP'),
  ...windowType('MqttC2DMessagesNotInAllowedRange', 'cloud-to-device messages over MQTT'),
  ...windowType(
    'MqttC2DRejectedMessagesNotInAllowedRange',
    'rejected cloud-to-device messages over MQTT',
  ),
  ...windowType('MqttD2CMessagesNotInAllowedRange', 'device-to-cloud messages over MQTT'),
  ...windowType('QueuePurgesNotInAllowedRange', 'purges of the command queue'),
  ...windowType('TwinUpdatesNotInAllowedRange', 'updates of module twins'),
  ...windowType('UnauthorizedOperationsNotInAllowedRange', 'refused operations'),
] as const

/** What is not on the list raises the alert. The first three are published. */
export const ALLOWLIST_RULE_TYPES = [
  {
    ruleType: 'ConnectionToIpNotAllowed',
    displayName: 'Outbound connection to an address that is not allowed',
    description: 'An outbound connection goes to an address in none of the allowed networks.',
    valueType: 'IpCidr',
  },
  {
    ruleType: 'LocalUserNotAllowed',
    displayName: 'Login of a local user that is not allowed',
    description: 'A user who is not on the list signed in.',
    valueType: 'String',
  },
  {
    ruleType: 'ProcessNotAllowed',
    displayName: 'Start of a process that is not allowed',
    description:
      'A program that is not on the list was started. An entry with a slash is a whole path, ' +
      'any other the name of a program in whatever directory.',
    valueType: 'String',
  },
  {
    ruleType: 'ConnectionFromIpNotAllowed',
    displayName: 'Inbound connection from an address that is not allowed',
    description: 'An inbound connection comes from an address in none of the allowed networks.',
    valueType: 'IpCidr',
  },
] as const satisfies readonly ListRuleType[]

/** What is on the list raises the alert. All ours: the published service took none. */
export const DENYLIST_RULE_TYPES = [
  {
    ruleType: 'ConnectionToIpDenied',
    displayName: 'Outbound connection to a denied address',
    description: 'An outbound connection goes to an address in one of the denied networks.',
    valueType: 'IpCidr',
  },
  {
    ruleType: 'ConnectionFromIpDenied',
    displayName: 'Inbound connection from a denied address',
    description: 'An inbound connection comes from an address in one of the denied networks.',
    valueType: 'IpCidr',
  },
  {
    ruleType: 'DomainNameDenied',
    displayName: 'Request for a denied domain name',
    description:
      'The device asked for, or connected to, a name that is on the list or below one of its ' +
      'domains.',
    valueType: 'String',
  },
  {
    ruleType: 'ProcessDenied',
    displayName: 'Start of a denied process',
    description:
      'A program of the list was started. An entry with a slash is a whole path, any other the ' +
      'name of a program in whatever directory.',
    valueType: 'String',
  },
  {
    ruleType: 'LocalUserDenied',
    displayName: 'Login of a denied local user',
    description: 'A user of the list signed in.',
    valueType: 'String',
  },
] as const satisfies readonly ListRuleType[]

/** Sizes of the device's newest snapshots; all ours, as for deny lists. */
export const THRESHOLD_RULE_TYPES = [
  {
    ruleType: 'ListeningPortsNotInAllowedRange',
    displayName: 'Number of listening ports is not in the allowed range',
    description: 'A snapshot has fewer or more listening endpoints than allowed.',
  },
  {
    ruleType: 'LocalUsersNotInAllowedRange',
    displayName: 'Number of local users is not in the allowed range',
    description: 'A snapshot has fewer or more local users than allowed.',
  },
  {
    ruleType: 'FirewallRulesNotInAllowedRange',
    displayName: 'Number of firewall rules is not in the allowed range',
    description: 'A snapshot has fewer or more rules of the firewall than allowed.',
  },
  {
    ruleType: 'FailedBaselineChecksNotInAllowedRange',
    displayName: 'Number of failed baseline checks is not in the allowed range',
    description: 'A run of a baseline has fewer or more failed checks than allowed.',
  },
] as const satisfies readonly RuleType[]

export type TimeWindowRuleName = (typeof TIME_WINDOW_RULE_TYPES)[number]['ruleType']
export type AllowlistRuleName = (typeof ALLOWLIST_RULE_TYPES)[number]['ruleType']
export type DenylistRuleName = (typeof DENYLIST_RULE_TYPES)[number]['ruleType']
export type ThresholdRuleName = (typeof THRESHOLD_RULE_TYPES)[number]['ruleType']

/** The four kinds of rules, as the members of a group are called. */
export const RULE_TYPES = {
  timeWindowRules: TIME_WINDOW_RULE_TYPES,
  allowlistRules: ALLOWLIST_RULE_TYPES,
  denylistRules: DENYLIST_RULE_TYPES,
  thresholdRules: THRESHOLD_RULE_TYPES,
} as const

/** The alert that a rule of this type raises. */
export function customAlertTypeName(ruleType: string): string {
  return `IoT_CA_${ruleType}`
}

function windowType<Name extends string>(
  ruleType: Name,
  counted: string,
  source: TimeWindowRuleType['source'] = 'hub',
): readonly [TimeWindowRuleType & { readonly ruleType: Name }] {
  const displayName = `Number of ${counted} is not in the allowed range`
  const description = `Within the window there were fewer or more ${counted} than allowed.`
  return [{ ruleType, displayName, description, source }]
}
