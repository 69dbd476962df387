/** What the `query` benchmark asks every store. */
export interface Question {
  readonly name: string
  readonly title: string
  /** Twinward's query; `$i` is a device's id, another for each call. */
  readonly query: string
  /** The same in SQL; `$1` is a device's id, `$2` the id after which a page begins. */
  readonly sql: string
  /** Ask for all pages of 100, not only the first. */
  readonly allPages: boolean
  /** Rows that have to come. */
  readonly rows: number
  /** Whether `sql` has a parameter. */
  readonly byDevice?: boolean
}

export interface QueryStore {
  readonly name: string
  readonly title: string
  /** @returns the rows of all pages asked for, as parsed JSON */
  ask(question: Question, deviceId: string): Promise<readonly unknown[]>
}

export const PAGE_ROWS = 100
/** Modules that are connected while the questions are asked. */
export const CONNECTED_MODULES = 500

const MODULES = "FROM twinward_query.twin WHERE module_id <> ''"
const PAGE = `ORDER BY id LIMIT ${PAGE_ROWS + 1}`

export const questions: readonly Question[] = [
  {
    name: 'id',
    title: 'by deviceId (1 twin)',
    query: "SELECT * FROM devices.modules WHERE deviceId = '$i'",
    sql: `SELECT * ${MODULES} AND device_id = $1 AND id > $2 ${PAGE}`,
    allPages: false,
    rows: 1,
    byDevice: true,
  },
  {
    name: 'tag',
    title: 'tag equality, 1 % selective, first page of 100',
    query: "SELECT * FROM devices.modules WHERE tags.site = 'site-42'",
    sql: `SELECT * ${MODULES} AND tags @> '{"site":"site-42"}' AND id > $1 ${PAGE}`,
    allPages: false,
    rows: PAGE_ROWS,
  },
  {
    name: 'connected',
    title: `connectionState, ${CONNECTED_MODULES} connected, first page of 100`,
    query: "SELECT deviceId FROM devices.modules WHERE connectionState = 'Connected'",
    sql: `SELECT id, device_id AS "deviceId" ${MODULES} AND connected AND id > $1 ${PAGE}`,
    allPages: false,
    rows: PAGE_ROWS,
  },
  {
    name: 'count',
    title: 'count by a reported value (no index)',
    query: 'SELECT COUNT() AS n FROM devices.modules WHERE properties.reported.openPorts > 45',
    sql: `SELECT count(*)::int AS n ${MODULES} AND (reported -> 'openPorts')::numeric > 45`,
    allPages: false,
    rows: 1,
  },
  {
    name: 'group',
    title: 'GROUP BY a reported value (no index)',
    query:
      'SELECT properties.reported.agentVersion AS version, COUNT() AS n FROM devices.modules ' +
      'GROUP BY properties.reported.agentVersion',
    sql: `SELECT reported ->> 'agentVersion' AS version, count(*)::int AS n ${MODULES} GROUP BY 1`,
    allPages: false,
    rows: 8,
  },
  {
    name: 'average',
    title: 'AVG of a tag (1 row)',
    query: 'SELECT AVG(tags.criticality) AS mean FROM devices.modules',
    sql: `SELECT avg((tags -> 'criticality')::numeric)::float8 AS mean ${MODULES}`,
    allPages: false,
    rows: 1,
  },
  {
    name: 'pages',
    title: '10,000 twins by tag, all 100 pages',
    query: "SELECT * FROM devices.modules WHERE tags.securityGroup = 'group-3'",
    sql: `SELECT * ${MODULES} AND tags @> '{"securityGroup":"group-3"}' AND id > $1 ${PAGE}`,
    allPages: true,
    rows: 10_000,
  },
]
