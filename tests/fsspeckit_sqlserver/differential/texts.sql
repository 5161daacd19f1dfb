select substring('abc' from -1 for 3), substr('abc',-1), substring('abc' from 0), substring('abc' from 0 for 2), substring('abc' for 2), substr('abc', -2, 4), substr('abc',2,0), substr('abc', 5), substr('', 1), substr('abc',1,2147483647), substr('abc', 2147483647, 2147483647), substr('abc',-2147483648, 2147483647)
select substring('abc' from 1 for -1)
select substr('abc', 2, -1)
select substring(s from n for 3), substr(s, n), left(s, n), right(s, n), lpad(s, n), rpad(s, n), lpad(s, n, 'xy'), rpad(s, n, 'xy'), lpad(s,n,''), repeat(s, n) from (values ('abcdef'),(''),(null),('äöü€')) v(s), generate_series(-4,9) n order by s, n
select substring(s from n for m) from (values ('abcdef'),(''),(null),('äöü€')) v(s), generate_series(-4,9) n, generate_series(0,4) m order by s,n,m
select substring(s, n, m) from (values ('abcdef')) v(s), (values (1,null::int),(null,2),(2,3)) w(n,m) order by n,m
select overlay('abcdef' placing 'XX' from 2), overlay('abcdef' placing 'XX' from 2 for 4), overlay('abcdef' placing 'XX' from 6 for 9), overlay('abcdef' placing '' from 1 for 2), overlay('abcdef' placing 'X' from 10), overlay('abcdef' placing 'X' from 3 for 0), overlay('abc' placing 'X' from 3 for -1)
select overlay('abcdef' placing 'XX' from 0)
select overlay('abcdef' placing 'XX' from -1 for 1)
select overlay(s placing 'ZZZ' from n for m) from (values ('abcdef'),(null),('äöü€')) v(s), generate_series(1,7) n, generate_series(-2,3) m order by s,n,m
select split_part('a,b,c', ',', 2), split_part('a,b,c', ',', 4), split_part('a,b,c', ',', -1), split_part('a,b,c', ',', -3), split_part('a,b,c', ',', -4), split_part('a,b,c','',1), split_part('a,b,c','',2), split_part('a,b,c','',-1), split_part('',',',1)
select split_part('a,b,c', ',', 0)
select split_part(s, d, n) from (values ('a,b,c'),(''),(null)) v(s), (values (','),(''),(',,'),(null)) w(d), (values (-4),(-2),(-1),(1),(2),(5)) x(n) order by s,d,n
select substring('foobar' from 'o.b'), substring('foobar' from 'o(.)b'), substring('foobar' from 'z'), substring('foobar' from '(z)?f'), substring('foobar' similar '%#"o_b#"%' escape '#'), substring('foobar', 'o+'), substring('foo' from '(x)?')
select substring('foobar' from '%#"o_b#"%' for '#')
select substring('\x010203'::bytea from 2), substring('\x010203'::bytea from 0 for 2)
select position('b' in 'abc'), strpos('abc','c'), position('' in 'abc'), strpos('abc', 'z')
select substr('abc', 1.5)
select left('abc', null), lpad('abc', null, 'x'), lpad(null, 3, 'x'), lpad('abc', 5, null)
select to_hex(-1), to_hex(255), to_hex((-1)::bigint), to_hex(-255), to_hex(i), to_hex(l) from sums where g=1
select quote_ident('select'), quote_ident('abc'), quote_ident('Abc'), quote_ident('a b'), quote_ident('user'), quote_ident('name'), quote_ident('date'), quote_ident('table'), quote_ident('"'), quote_ident(''), quote_ident('left'), quote_ident('between'), quote_ident('a$b'), quote_ident('1a'), quote_ident('ä'), quote_ident(null)
select quote_ident(w) from (values ('order'),('group'),('x'),('int'),('values'),('year'),('interval'),('timestamp'),('text'),('over'),('row'),('rows')) v(w)
select current_schemas(false)
select repeat('ab', -1), repeat('ab', 0), repeat('', 5), reverse('äb'), chr(228), ascii('€'), ascii('')
select trim(both 'xy' from 'yxabcxx'), ltrim('xxabc','x'), rtrim('abc  '), btrim('  abc  '), trim(leading from '  a'), trim('a' from 'aaa'), trim(both from E'\t a ')
select replace('abc','','x'), replace('aaa','a','bb'), translate('12345','143','ax'), translate('abc','','x')
select concat_ws(',', 'a', null, 'b'), concat_ws(null,'a'), concat(null), concat(1,'a',true,null)
select starts_with('abc','a'), starts_with('abc',''), 'abc' ^@ 'ab'
select string_to_array('a,b,,c', ','), string_to_array('a,b', ''), string_to_array('', ','), string_to_array('abc', null), string_to_array(null, ','), string_to_array('a,b,c', ',', 'b')
select array_to_string(array[1,null,3], ','), array_to_string(array[1,null,3], ',', '*'), array_to_string('{}'::int[], ','), array_to_string(array['a','b'], null)
select E'a\nb' ~ 'a.b', E'a\nb' ~ 'a$', E'a\nb' ~ '^b', E'a\nb' ~ '(?n)a$', E'a\nb' ~ '(?n)a.b', E'a\nb' ~ '(?n)^b', E'a\nb' ~ '(?p)a.b', E'a\nb' ~ '(?w)^b', E'a\nb' ~ '(?w)a.b', E'a\nb' ~ '(?s)a.b', E'a\nb' ~ '(?m)^b', E'a\nb' ~ 'a[^x]b', E'a\nb' ~ '(?n)a[^x]b'
select 'ABC' ~ '(?i)b', 'ABC' ~* 'b', 'ABC' !~* 'b', 'abc' !~ 'B', 'ABC' ~ '(?c)b', 'a.c' ~ '***=.', 'abc' ~ '***=.', 'abc' ~ '(?q).', 'ABC' ~ '***:(?i)b'
select 'foo bar' ~ '\mbar', 'foobar' ~ '\mbar', 'foo bar' ~ 'foo\M', 'foobar' ~ 'foo\M', 'foo bar' ~ '\ybar\y', 'foobar' ~ '\Ybar', 'abc' ~ '\Aabc\Z', E'abc\n' ~ '\Aabc\Z', E'abc\n' ~ 'abc$', 'foo bar' ~ '[[:<:]]bar[[:>:]]'
select 'ä' ~ '\w', 'ä' ~ '[[:alpha:]]', 'ä' ~ '\W', 'Ä' ~* 'ä', '5' ~ '\d', ' ' ~ '\s', 'a' ~ '\S', 'a_b' ~ '^\w+$', E'a\tb' ~ 'a\tb', 'a\b' ~ 'a\\b', 'a.b' ~ 'a\.b', 'A' ~ '\u0041', 'A' ~ '\x41', 'É' ~ '[[:upper:]]', 'x-y' ~ '[\w-]+y', 'a]' ~ '[]]', 'a^' ~ '[\^]', 'ab' ~ 'a(?#comment)b', 'ab' ~ '(?x) a b'
select 'abc' ~ '('
select 'abc' ~ '[a'
select 'abc' ~ 'a**'
select 'abc' ~ '*a'
select 'abc' ~ 'a{2,1}'
select regexp_replace('foobarbaz', 'b..', 'X'), regexp_replace('foobarbaz', 'b..', 'X', 'g'), regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g'), regexp_replace('abc', 'b', '[\&]'), regexp_replace('abc', 'B', 'x', 'i'), regexp_replace('abcABC', 'b', 'x', 'gi'), regexp_replace('abc', 'b', 'a\\b'), regexp_replace('abc', 'b', '\n'), regexp_replace('abc','x*','-','g'), regexp_replace('abc','z','-')
select regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 0, 'i'), regexp_replace('abcabc', 'b', 'X', 3), regexp_replace('abcabc', 'b', 'X', 1, 1), regexp_replace('abcabc','b','X',1,0)
select regexp_replace(E'a\nb', '.', 'x', 'g'), regexp_replace(E'a\nb', '^', 'x', 'gn'), regexp_replace(E'a\nb', '$', 'x', 'g'), regexp_replace('hello', '(l)(l)', '\2-\1'), regexp_replace('a1b22','[0-9]+','#','g'), regexp_replace('  x  ', '^\s+|\s+$', '', 'g'), regexp_replace(null,'a','b'), regexp_replace('a',null,'b')
select regexp_replace('abc', 'b', 'x', 'z')
select regexp_match('foobarbequebaz', '(bar)(beque)'), regexp_match('foobarbequebaz', 'ba.'), regexp_match('foo', 'z'), regexp_match('FOO', 'o+', 'i'), regexp_match('ab', '(a)|(b)'), regexp_match('b', '(a)|(b)'), (regexp_match('foobar', 'o(b)'))[1], regexp_match(null, 'a'), regexp_match('aXb', '(?i)x(.)')
select regexp_match('abc', 'b', 'g')
select regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)', 'g')
select regexp_matches('foobarbequebaz', 'ba.', 'g')
select regexp_matches('foobarbequebaz', 'ba.')
select regexp_matches('foo', 'z')
select regexp_matches('foo', 'z', 'g')
select * from regexp_matches('foobarbequebaz', 'ba(.)', 'g') as m
select m[1] from regexp_matches('foobarbequebaz', 'ba(.)', 'g') as m
select * from regexp_matches('foobarbequebaz', 'ba(.)', 'g') as t(m)
select id, regexp_matches(name, '[ab]', 'gi') from people order by id
select id, (regexp_matches(name, '(.)a', 'i'))[1] from people order by id
select id, m from people, regexp_matches(name, '(.)', 'g') as m order by id, m
select regexp_split_to_array('the quick  fox', '\s+'), regexp_split_to_array('abc', ''), regexp_split_to_array('a,b', ','), regexp_split_to_array('aXbxc', 'x', 'i'), regexp_split_to_array('', ','), regexp_split_to_array('abc','x*')
select regexp_split_to_table('a1b2c', '[0-9]')
select * from regexp_split_to_table('aXbxc', 'x', 'i') as t
select regexp_like('abc','B'), regexp_like('abc','B','i'), regexp_count('abcabc','b'), regexp_count('abcabc','B',1,'i'), regexp_count('abcabc','b',3), regexp_substr('abcabd','b.'), regexp_substr('abcabd','b.',1,2), regexp_substr('abcabd','B.',1,1,'i'), regexp_substr('abcabd','a(b)(.)',1,2,'',2), regexp_substr('abc','z'), regexp_instr('abcabd','b.'), regexp_instr('abcabd','b.',3), regexp_instr('abcabd','b.',1,1,1), regexp_instr('abc','z'), regexp_instr('ABC','b',1,1,0,'i')
select regexp_like('abc','b','g')
select name ~ p, regexp_replace(name, p, 'x'), regexp_match(name, 'a') from people, (values ('^A'),('b$')) v(p) order by id, p
select name similar to '%(a|b)%', name similar to 'A_a', name not similar to 'A%' from people order by id
select 'abc' similar to 'a%', E'a\nc' similar to 'a_c', 'a%c' similar to 'a\%c', 'abc' similar to '_b_', 'ac' similar to 'a(b|c)', 'abc' similar to 'abc|d', 'a+' similar to 'a\+', 'a.c' similar to 'a.c', 'abc' similar to 'a.c', 'aa' similar to 'a{2}'
select 'a%c' similar to 'a#%c' escape '#'
select name from people where name ~ '^[A-B]' order by 1
select name from people where name ~ 'a' and name !~ '^a' order by 1
select 'abc' ~ any (array['x','b']), 'abc' ~ all (array['a','b']), 'abc' like any (array['x%','a%']), 'abc' like all (array['a%','%c']), 'abc' ilike any (array['A%']), 'abc' not like all (array['x%']), 'abc' not like any (array['a%']), 'abc' not ilike all (array['A%'])
select name like any (array['A%', null]), name like any ('{A%,B%}'), name not like all (array['A%',null]), name like any (null) , name like any ('{}') from people order by id
select name from people where name like any (array(select 'A%')) order by 1
select name from people where name like any (select 'A%' union all select 'B%') order by 1
select name from people where name not like all (select 'A%' union all select 'B%') order by 1
select name from people where name ilike any (tags) order by 1
select name from people where name like any (array[left(name,1) || '%', 'x']) order by 1
select 'a%b' like 'a#%b' escape '#', 'axb' like 'a#%b' escape '#', 'a_b' not like 'a!_b' escape '!', 'a\b' like 'a\b' escape '', 'abc' ilike 'A%' escape '!'
select generate_series(1,3)*2 as x
select (regexp_matches('abcab', '(b)', 'g'))[1] as x, 1 as y
select id, upper(regexp_split_to_table(name, 'd')) as u from people order by id
select count(*) from (select generate_series(1,3)) q
SELECT 'abab' ~ '(ab)\1'
SELECT 'abc' ~ '(?=a)'
SELECT regexp_match('foobar', '(foo|foobar)')
select timestamptz '2024-01-01 12:00+00' at time zone interval '2 hours', timestamp '2024-01-01 12:00' at time zone interval '-05:00', timestamptz '2024-01-01 12:00+00' at time zone '-05:00', timestamp '2024-01-01 12:00' at time zone '+2', timestamptz '2024-01-01 12:00+00' at time zone 'EST', timestamptz '2024-07-01 12:00+00' at time zone 'Europe/Berlin'
select format('%s %s', b, not b), format('%L', b), format('%s', d), format('%s', f) from sums
select timezone('UTC', timestamptz '2024-01-01 12:00+00'), timezone('3', timestamp '2024-01-01')
select date_trunc('month', d)::date as m, percentile_cont(0.5) within group (order by v) from (values (date '2024-01-03', 1), ('2024-01-05', 4), ('2024-02-01', 7)) t(d, v) group by 1 order by 1
select percentile_disc(0.5) within group (order by n), percentile_disc(0.5) within group (order by i), percentile_disc(0.3) within group (order by d), percentile_disc(0.25) within group (order by s), percentile_disc(0.5) within group (order by f), percentile_disc(0.5) within group (order by b) from sums
select percentile_disc(0.5) within group (order by name), percentile_disc(0.5) within group (order by born), percentile_disc(array[0.2,0.5]) within group (order by name) from people
select percentile_cont(0.5) within group (order by x) from (values (interval '1 day'),('2 days'),('5 hours'),('1 mon')) v(x)
select percentile_cont(0.5) within group (order by x) from (values (interval '1 day'),('2 days')) v(x)
select percentile_cont(0.25) within group (order by x) from (values (interval '1 day'),('3 days'),(null)) v(x)
select percentile_cont(array[0.25,0.5]) within group (order by x) from (values (interval '1 day'),('3 days'),(null)) v(x)
select percentile_disc(0.5) within group (order by x) from (values (interval '1 day'),('2 days'),('5 hours')) v(x)
select percentile_cont(0.5) within group (order by paid desc), percentile_cont(0.2) within group (order by paid desc), percentile_disc(0.2) within group (order by paid desc), percentile_disc(0.2) within group (order by id desc) from people
select percentile_cont(0.5) within group (order by paid) from people where false
select percentile_cont(1.5) within group (order by paid) from people
select g, percentile_cont(0.5) within group (order by n), percentile_disc(0.5) within group (order by n) from sums group by g order by g
select percentile_cont(0.5) within group (order by n) filter (where i > 10) from sums
select percentile_cont(0.5) within group (order by i * 1.5), percentile_cont(0.5) within group (order by i::numeric) from sums
select mode() within group (order by g), mode() within group (order by n), mode() within group (order by name) from sums, people
select mode() within group (order by g desc), mode() within group (order by x desc) from sums, (values (1),(1),(2),(2)) v(x)
select percentile_cont(0.5) within group (order by born) from people
select json_object_agg(name, id) from people
select jsonb_object_agg(name, id) from people
select json_object_agg(k, v) from (values ('a',1),('b',null)) t(k,v)
select json_object_agg(k, v order by k desc) from (values ('a',1),('b',2)) t(k,v)
select jsonb_object_agg(k, v) from (values ('b','x'),('a','y')) t(k,v)
select format('%s', 1), format('%2$s %1$s', 'a', 'b'), format('%10s|', 'a'), format('%-10s|', 'a'), format('%I', 'A b'), format('%L', 'it''s'), format('%L', null), format('%s', null), format('%%'), format('%1$s %s', 'a', 'b'), format('%*s|', 5, 'a'), format('%-*s|', 5, 'a'), format('%2$5s|', 'a', 'b'), format('%1$*2$s|', 'a', 5), format('%5%'), format('%I', 'select'), format('%10L|','a'), format('%s %s', 'a', 'b', 'c'), format('x')
select format('%s')
select format('%z', 1)
select format('%0$s', 1)
select format('%')
select format('%s is %s', name, id), format('%5s', id), format('%s', born), format('%s', paid), format('%s', true) from people order by id
select * from generate_series(1.0, 2.0, 0.5)
select * from generate_series(1.1, 3) as g
select x, x + 1 from generate_series(0.1, 0.35, 0.1) x
select generate_series(1.5, 3)
select timestamptz '2024-01-01 12:00+00' at time zone interval '2 hours', timestamp '2024-01-01 12:00' at time zone interval '-05:00', timestamptz '2024-01-01 12:00+00' at time zone '-05:00', timestamp '2024-01-01 12:00' at time zone '+2', timestamptz '2024-01-01 12:00+00' at time zone 'EST', timestamptz '2024-07-01 12:00+00' at time zone 'Europe/Berlin'
select timezone(interval '1 hour', timestamptz '2024-01-01 12:00+00')
select * from json_to_recordset('[{"a":1,"b":"foo"},{"a":"2","c":"bar"}]') as t(a int, b text)
select * from jsonb_to_recordset('[{"a":1,"b":"foo"},{"a":2}]') as x(a int, b text)
select * from json_to_record('{"a":1,"b":[1,2,3],"c":"bar","d":{"x":1}}') as x(a int, b text, d json)
select x.a, p.name from people p, json_to_recordset('[{"a":1},{"a":2}]') as x(a int) where p.id = x.a order by 1
select 'NaN'::float8, 'inf'::float8, '-Infinity'::float4
select id, count(*) over (order by born range between '365 days' preceding and current row) from people where born is not null order by id
select id, sum(id) over (order by born range between interval '100 years' preceding and current row) from people where born is not null order by id
select id, sum(id) over (order by born range between '1 day' preceding and '1 day' following) from people where born is not null order by id
select id, sum(id) over (order by height range between 0.1 preceding and current row) from people where height is not null order by id
select id, sum(id) over (order by id range '1' preceding) from people order by id
select (date '2024-06-01', 1) >= ('2024-06-01', 1), (date '2024-06-01', 1) in (('2024-06-01', 1), ('2024-06-02', 2))
SELECT 'NaN'::numeric
SELECT * FROM generate_series(1, 2, 0.5)
SELECT rank(2) WITHIN GROUP (ORDER BY id) FROM people
SELECT percentile_cont(NULL) WITHIN GROUP (ORDER BY paid) FROM people
SELECT percentile_cont(0.3) WITHIN GROUP (ORDER BY f) FROM sums
SELECT format(f, 1, 'b') FROM (VALUES ('%s'),('%2$s')) v(f)
