import type { CatalogueEntry } from '../catalogue.ts'

type HubEntry = Pick<CatalogueEntry, 'number' | 'alertType' | 'severity'>

/** The alerts that the published service raises for a hub: spelled as published, prefixes included. */
export const HUB_CATALOGUE: readonly HubEntry[] = [
  { number: 101, alertType: 'IoT_CertificateSuccessfullyAddedToHub', severity: 'Medium' },
  { number: 102, alertType: 'IoT_CertificateSuccessfullyDeletedFromHub', severity: 'Medium' },
  { number: 103, alertType: 'Hub_CertificateFailedToBeAddedToHub', severity: 'Medium' },
  { number: 104, alertType: 'IoT.Hub_CertificateFailedToBeDeletedFromHub', severity: 'Medium' },
  { number: 105, alertType: 'IoT_Cert_Print_Mismatch', severity: 'Medium' },
  { number: 106, alertType: 'IoT_Cert_Expired', severity: 'Medium' },
  { number: 107, alertType: 'IoT_DiagnosticSettingAddedOrEditedOnHub', severity: 'Low' },
  { number: 108, alertType: 'IoT_DiagnosticSettingDeletedFromHub', severity: 'Low' },
  { number: 109, alertType: 'IoT_Expired_SAS_Token', severity: 'Low' },
  { number: 110, alertType: 'IoT_Invalid_SAS_Token', severity: 'Low' },
]
