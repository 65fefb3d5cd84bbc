// The documentation site: the pages of docs/ as they are, with a menu and a search. Built by
// tools/build_docs.sh; a dead link fails the build.
import { defineConfig } from 'vitepress'

const page = (text: string, link: string) => ({ text, link })

export default defineConfig({
  title: 'Tandem',
  description: 'Postgres and ClickHouse as one database',
  lang: 'en',
  cleanUrls: false,
  markdown: { lineNumbers: false },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      page('Tutorial', '/tutorial'),
      page('How-to', '/howto/attach'),
      page('Reference', '/reference/config'),
    ],
    sidebar: [
      { text: 'Start', items: [
        page('Ten minutes', '/tutorial'),
        page('What routes', '/what-routes'),
        page('Limits', '/limits'),
        page('Comparison', '/comparison'),
        page('Security model', '/security-model'),
      ] },
      { text: 'How to', items: [
        page('Attach to your servers', '/howto/attach'),
        page('The least rights', '/howto/rights'),
        page('Add and remove tables', '/howto/tables'),
        page('Ask ClickHouse directly', '/howto/clickhouse'),
        page('Read what is only in ClickHouse', '/howto/foreign'),
        page('Managed Postgres', '/howto/managed'),
        page('Run it as a service', '/howto/production'),
        page('Choose freshness', '/howto/freshness'),
        page('Size it', '/howto/sizing'),
        page('Monitor it', '/howto/monitoring'),
        page('See every statement', '/howto/telemetry'),
        page('React to failures', '/howto/failures'),
        page('Upgrade', '/howto/upgrade'),
        page('Back up and restore', '/howto/backup'),
        page('Failover', '/howto/failover'),
        page('Uninstall', '/howto/uninstall'),
      ] },
      { text: 'Reference', items: [
        page('Settings', '/reference/config'),
        page('SQL', '/reference/sql'),
        page('Foreign tables', '/reference/foreign'),
        page('Metrics', '/reference/metrics'),
        page('Telemetry', '/reference/telemetry'),
        page('Errors', '/reference/errors'),
        page('What routes, in full', '/reference/route-functions'),
        page('Reasons for not routing', '/reference/route-reasons'),
        page('Types', '/reference/types'),
        page('DDL', '/reference/ddl'),
        page('Glossary', '/reference/glossary'),
      ] },
      { text: 'Inside', items: [
        page('Testing', '/internals/testing'),
        page('Releasing', '/internals/releasing'),
        page('Rows at a position', '/decisions/0001-rows-are-read-at-a-position'),
        page('Whole queries', '/decisions/0002-route-whole-queries'),
        page('Types', '/decisions/0003-types-and-what-they-cannot-hold'),
        page('One supervisor', '/decisions/0004-one-supervisor-per-stack'),
        page('Who mirrors whom', '/decisions/0005-who-mirrors-whom'),
        page('Partitions by leaf', '/decisions/0006-partitions-by-leaf'),
        page('What stays', '/decisions/0007-what-stays-as-it-is'),
        page('Which side', '/decisions/0008-which-side-by-a-model-that-learns'),
        page('Foreign tables', '/decisions/0022-foreign-tables-by-the-same-translator'),
      ] },
    ],
  },
})
