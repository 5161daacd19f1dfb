// node's `pg` and `postgres` against the gateway. Arguments: the folder of node_modules, port. Prints "ok" or throws.
const assert = require('node:assert')
const { createRequire } = require('node:module')
const load = createRequire(process.argv[2] + '/x.js')
const port = Number(process.argv[3])

async function withPg() {
  const { Client, types } = load('pg')
  types.setTypeParser(20, String)
  const client = new Client({ host: '127.0.0.1', port, user: 'tester', database: 'anything' })
  await client.connect()
  const sql = 'SELECT $1::int AS a, $2::text AS b, $3::timestamptz AS c, $4::bool AS d, $5::bytea AS e, $6::int[] AS f, $7::json AS g, $8::float8 AS h, $9::numeric AS i'
  const moment = new Date('2024-02-29T12:34:56Z')
  for (let run = 0; run < 2; run++) {
    const values = [7, 'grüße', moment, true, Buffer.from([0, 255]), [1, 2], { a: 1 }, 0.5, null]
    const { rows: [row], fields } = await client.query({ name: 'kept', text: sql, values })
    assert.deepStrictEqual([row.a, row.b, row.c, row.d, row.e, row.f, row.g, row.h, row.i], values)
    assert.deepStrictEqual(fields.map(field => field.dataTypeID), [23, 25, 1184, 16, 17, 1007, 114, 701, 1700])
  }
  await assert.rejects(client.query('SELECT * FROM nowhere'), { code: '42P01' })
  const many = await client.query('SELECT 1 AS x; SELECT 2 AS y')
  assert.deepStrictEqual(many.map(part => part.rows[0]), [{ x: 1 }, { y: 2 }])
  assert.strictEqual((await client.query('SELECT id FROM trips')).rowCount, 30000)
  await client.query('BEGIN')
  await client.query('DECLARE c CURSOR FOR SELECT id FROM trips ORDER BY id')
  assert.strictEqual((await client.query('FETCH 100 FROM c')).rows[99].id, '99')
  await client.query('ROLLBACK')
  const heard = new Promise(resolve => client.on('notification', resolve))
  await client.query('LISTEN news')
  await client.query("NOTIFY news, 'hello'")
  assert.strictEqual((await heard).payload, 'hello')
  await client.end()
}

async function withPostgres() {
  const postgres = load('postgres')
  const sql = postgres({ host: '127.0.0.1', port, user: 'tester', database: 'anything', max: 3, onnotice: () => {} })
  const [row] = await sql`SELECT ${7}::int AS a, ${'x'}::text AS b, ${[1, 2]}::int[] AS c, ${null}::text AS d, ${true}::bool AS e`
  assert.deepStrictEqual({ ...row }, { a: 7, b: 'x', c: [1, 2], d: null, e: true })
  let count = 0
  await sql`SELECT id FROM trips`.cursor(1000, rows => { count += rows.length })
  assert.strictEqual(count, 30000)
  await assert.rejects(sql`SELECT nothing FROM trips`, { code: '42703' })
  const sums = await Promise.all([1, 2, 3, 4].map(n => sql`SELECT sum(id)::text AS s FROM trips WHERE id < ${n}`))
  assert.deepStrictEqual(sums.map(([{ s }]) => s), ['0', '1', '3', '6'])
  await sql.begin(async inner => {
    await inner`CREATE TEMP TABLE t (x int, y text)`
    await inner`INSERT INTO t ${inner([{ x: 1, y: 'a' }, { x: 2, y: null }])}`
    assert.strictEqual((await inner`SELECT * FROM t`).length, 2)
    const readable = await inner`COPY t TO STDOUT`.readable()
    let text = ''
    for await (const chunk of readable) text += chunk
    assert.strictEqual(text, '1\ta\n2\t\\N\n')
  })
  const slow = sql`SELECT count(*) FROM trips a, trips b, trips c WHERE a.id + b.id + c.id = -1`
  setTimeout(() => slow.cancel(), 200)
  await assert.rejects(slow, { code: '57014' })
  await sql.end()
}

withPg().then(withPostgres).then(() => console.log('ok'))
