import { IndicatorIndex, type IndicatorLookup } from '../indicators/lookup.ts'
import type { Rule } from '../rule.ts'
import { accessingHtaccessFile } from './accessing-htaccess-file.ts'
import { binaryCommandLine } from './binary-command-line.ts'
import { bruteforceFail } from './bruteforce-fail.ts'
import { bruteforceSuccess } from './bruteforce-success.ts'
import { clearHistoryFile } from './clear-history-file.ts'
import { commonBots } from './common-bots.ts'
import { credentialAccessTools } from './credential-access-tools.ts'
import { cryptoMiner } from './crypto-miner.ts'
import { cryptoMinerContainer } from './crypto-miner-container.ts'
import { disableAuditdLogging } from './disable-auditd-logging.ts'
import { disableFirewall } from './disable-firewall.ts'
import { downloadFileThenRun } from './download-file-then-run.ts'
import { egressData } from './egress-data.ts'
import { ethernetConnection } from './ethernet-connection.ts'
import { ethernetDisconnection } from './ethernet-disconnection.ts'
import { executeFileWithTrailingSpace } from './execute-file-with-trailing-space.ts'
import { exposedDocker } from './exposed-docker.ts'
import { failedLocalLogin } from './failed-local-login.ts'
import { fairwareMalware } from './fairware-malware.ts'
import { fileCreated } from './file-created.ts'
import { fileDeleted } from './file-deleted.ts'
import { fileModified } from './file-modified.ts'
import { knownAttackTools } from './known-attack-tools.ts'
import { linuxBackdoor } from './linux-backdoor.ts'
import { linuxReconnaissance } from './linux-reconnaissance.ts'
import { localUserAddedToGroup } from './local-user-added-to-group.ts'
import { localUserDeleted } from './local-user-deleted.ts'
import { localUserRemovedFromGroup } from './local-user-removed-from-group.ts'
import { maliciousNameQueries } from './malicious-name-queries.ts'
import { overridingCommonFiles } from './overriding-common-files.ts'
import { portForwarding } from './port-forwarding.ts'
import { possibleMalware } from './possible-malware.ts'
import { privilegedContainer } from './privileged-container.ts'
import { ransomware } from './ransomware.ts'
import { removalOfSystemLogs } from './removal-of-system-logs.ts'
import { reverseShell } from './reverse-shell.ts'
import { scriptInterpreterMismatch } from './script-interpreter-mismatch.ts'
import { successfulLocalLogin } from './successful-local-login.ts'
import { suspiciousCompilation } from './suspicious-compilation.ts'
import { suspiciousNohup } from './suspicious-nohup.ts'
import { suspiciousUseradd } from './suspicious-useradd.ts'
import { tiConnection } from './ti-connection.ts'
import { twinConfigurationParseFailure } from './twin-configuration-parse-failure.ts'
import { usbConnection } from './usb-connection.ts'
import { usbDisconnection } from './usb-disconnection.ts'
import { webShell } from './web-shell.ts'

const EMPTY: IndicatorLookup = new IndicatorIndex()

/**
 * Every built-in rule, by its number in the catalogue. A further rule is one file and one line
 * here.
 *
 * @param lists  what operators imported; empty unless given
 */
export function builtInRules(lists: IndicatorLookup = EMPTY): readonly Rule[] {
  return [
    binaryCommandLine,
    disableFirewall,
    portForwarding,
    disableAuditdLogging,
    reverseShell,
    bruteforceSuccess,
    successfulLocalLogin,
    webShell,
    ransomware,
    cryptoMiner(lists),
    usbConnection,
    usbDisconnection,
    ethernetConnection,
    ethernetDisconnection,
    fileCreated,
    fileModified,
    fileDeleted,
    commonBots,
    fairwareMalware,
    cryptoMinerContainer,
    suspiciousNohup,
    suspiciousUseradd,
    exposedDocker,
    failedLocalLogin,
    possibleMalware(lists),
    accessingHtaccessFile,
    knownAttackTools,
    linuxReconnaissance,
    scriptInterpreterMismatch,
    linuxBackdoor,
    egressData,
    privilegedContainer,
    removalOfSystemLogs,
    executeFileWithTrailingSpace,
    credentialAccessTools,
    suspiciousCompilation,
    downloadFileThenRun,
    tiConnection(lists),
    maliciousNameQueries(lists),
    twinConfigurationParseFailure,
    overridingCommonFiles,
    clearHistoryFile,
    bruteforceFail,
    localUserAddedToGroup,
    localUserRemovedFromGroup,
    localUserDeleted,
  ]
}
