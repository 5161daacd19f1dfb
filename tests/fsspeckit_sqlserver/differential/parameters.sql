-- Statements with open parameters: which types are told of them, and which of the columns.
select coalesce($1,5)
select coalesce(id,$1) from v
select greatest($1,1.5)
select least($1,id) from v
select array[$1,5]
select array[n,$1] from v
select $1 = any(ia) from v
select id from v where id = any($1)
select id from v where name = any($1)
select id from v where ia @> $1
select id from v where ia && $1
select id from v where ia <@ $1
select id from v where $1 <@ ia
select id from v where ia = $1
select ia || $1 from v
select count(*) from v having count(*) > $1
with p as (select id as a from v) select * from p where a=$1
with p as (select 1 as a) select a from p where a=$1
with p(b) as (select name from v) select b from p where b=$1
select * from (select id+0 as x from v) s where x=$1
select * from (select count(*) c from v) s where c=$1
select * from (select id from v union select i8 from v) s where id=$1
select id from v where extract(year from d)=$1
select id from v where date_trunc('day',ts)=$1
select id from v where date_trunc($1,ts) = $2
select id from v where ia[1]=$1
select ia[$1] from v
select id from v where cardinality(ia)=$1
select substr(name,$1,$2) from v
select substring(name,$1,$2) from v
select substring(name from $1) from v
select substring(name from $1 for $2) from v
select lag(id,$1) over (order by id) from v
select lag(id,$1,$2) over (order by id) from v
select lead(name,$1,$2) over (order by id) from v
select ntile($1) over (order by id) from v
select nth_value(id,$1) over (order by id) from v
select generate_series($1::int,$2)
select * from generate_series(1,$1) g
select count(*) from generate_series(1,$1) g where g=$2
select make_date($1,2,3)
select make_time($1,$2,$3)
select make_interval(days => $1)
select make_interval($1,$2)
select make_timestamp($1,$2,$3,$4,$5,$6)
select age($1,ts) from v
select age(ts,$1) from v
select ts - $1 from v
select d - $1 from v
select $1 - d from v
select ts + $1 from v
select $1 + ts from v
select tz - $1 from v
select max(d)-$1 from v
select now()-$1
select sum(n)*$1 from v
select sum(id)+$1 from v
select avg(f)*$1 from v
select interval '1 day'*$1
select $1*interval '1 day'
select interval '1 day'/$1
select interval '1 day'+$1
select $1 union select 5
select $1 union all select 'x'
select id from v union select $1
select 5 union select $1 union select $2
values ($1),(5)
values (1,$1),($2,'x')
select * from (values ($1,1),(2,$2)) t(a,b)
select id from v where length(name)=$1
select id from v where id=$1
select id from v where id=$1+1
select id+$1 from v
select id*$1+$2 from v
select i2+$1 from v
select i8%$1 from v
select id/$1 from v
select n*$1 from v
select f/$1 from v
select f^$1 from v
select id^$1 from v
select -id+$1 from v
select id<<$1 from v
select i8<<$1 from v
select id&$1 from v
select id|$1 from v
select id#$1 from v
select id from v where id in ($1,$2)
select id from v where id in ($1)
select id from v where n in ($1,5)
select id from v where $1 in (1,2)
select id from v where name in ($1,$2)
select id from v where id not in ($1,2)
select id from v where $1=id
select id from v p where exists (select 1 from v o where o.id=p.id and o.n>$1)
select id from v where id=(select $1::int)
select id from v where id=(select max(id)-$1 from v)
select id from v where id in (select i8 from v where name=$1)
select id from v where $1 in (select i8 from v)
select id from v where $1 = all(select n from v)
select p.id from v p join v o on p.id=o.id where o.n=$1 and p.name=$2
select p.id from v p join v o on p.id=o.id and o.d=$1
select id from v where lower(name)=$1
select id from v where upper($1)=name
select id from v where name like $1
select id from v where name ilike $1
select id from v where name not like $1
select id from v where $1 like name
select id from v where name ~ $1
select id from v where name ~* $1
select id from v where name similar to $1
select id from v where name like $1||$2
select id from v where name=$1||$2
select name||$1 from v
select id||$1 from v
select $1||name||$2 from v
select id from v where abs(i2)>$1
select abs($1)
select round($1,2)
select round(n,$1) from v
select round($1)
select trunc(n,$1) from v
select mod(id,$1) from v
select mod($1,5)
select power($1,2)
select power(f,$1) from v
select sqrt($1)
select floor($1)
select ceil(n)+$1 from v
select sign($1)
select log($1)
select ln($1)
select gcd($1,4)
select div($1,4)
select width_bucket($1,0,10,5)
select length($1)
select octet_length($1)
select lower($1),upper($2)
select trim($1)
select trim(both $1 from name) from v
select ltrim(name,$1) from v
select position($1 in name) from v
select strpos(name,$1) from v
select replace(name,$1,$2) from v
select overlay(name placing $1 from $2) from v
select left(name,$1) from v
select right(name,$1) from v
select lpad(name,$1,$2) from v
select repeat(name,$1) from v
select reverse($1)
select split_part(name,$1,$2) from v
select string_to_array($1,$2)
select array_to_string(ia,$1) from v
select translate(name,$1,$2) from v
select md5($1)
select chr($1)
select ascii($1)
select initcap($1)
select starts_with(name,$1) from v
select regexp_replace(name,$1,$2) from v
select regexp_replace(name,$1,$2,$3) from v
select regexp_matches(name,$1) from v
select regexp_split_to_array(name,$1) from v
select to_char(d,$1) from v
select to_char(id,$1) from v
select to_date($1,$2)
select to_timestamp($1,$2)
select to_timestamp($1)
select encode($1,$2)
select decode($1,$2)
select date_part($1,ts) from v
select extract(epoch from $1::timestamp)
select timezone($1,ts) from v
select ts at time zone $1 from v
select tz at time zone $1 from v
select date_trunc($1,$2::timestamp)
select date_bin($1,ts,$2) from v
select nullif(id,$1) from v
select nullif($1,id) from v
select nullif(name,$1) from v
select nullif($1,5)
select case when $1 then 1 else 2 end
select case when id=$1 then $2 else 0 end from v
select case id when $1 then 'a' end from v
select case when id>1 then $1 end from v
select sum(case when id>$1 then $2 else 0 end) from v
select sum(case when name=$1 then 1 else 0 end) from v
select count(*) filter (where id>$1) from v
select sum(id) filter (where n>$1) from v
select id from v limit $1 offset $2
select id from v where d between $1 and $2
select id from v where n not between $1 and $2
select id from v where $1 between id and i8
select id from v where ts between symmetric $1 and $2
select id from v where (d,id)>($1,$2)
select id from v where (id,name)=($1,$2)
select id from v where (id,name) in (($1,$2))
select id from v where (id,name) in (select id,name from v where id>$1)
select id from v where d=any($1)
select id from v where id=all($1)
select id from v where id<>all($1)
select id from v where b=$1
select id from v where b and $1
select id from v where $1
select id from v where not $1
select id from v where $1 or id=0
select id from v where id is distinct from $1
select id from v where n is not distinct from $1
select id from v where u=$1
select id from v where j::jsonb->>'a'=$1
select j::jsonb->>$1 from v
select j::jsonb#>>$1 from v
select j::jsonb#>$1 from v
select j::jsonb @> $1 from v
select j::jsonb ? $1 from v
select j::jsonb || $1 from v
select j::jsonb - $1 from v
select jsonb_array_elements($1)
select * from jsonb_array_elements_text($1)
select * from jsonb_to_recordset($1) as x(a int, b text) where a=$2
select jsonb_extract_path_text(j::jsonb,$1) from v
select jsonb_set(j::jsonb,$1,$2) from v
select jsonb_typeof($1)
select percentile_cont($1) within group (order by f) from v
select percentile_disc($1) within group (order by id) from v
select string_agg(name,$1) from v
select array_agg(id+$1) from v
select array_append(ia,$1) from v
select array_prepend($1,ia) from v
select array_cat(ia,$1) from v
select array_position(ia,$1) from v
select array_remove(ia,$1) from v
select array_replace(ia,$1,$2) from v
select array_length($1::int[],1)
select array_length(ia,$1) from v
select array_fill($1::int,$2)
select unnest($1::int[])
select x from unnest($1::int[]) x where x>$2
select x+$2 from unnest($1::int[]) x
select trim_array(ia,$1) from v
select id from v order by id+$1
select name,count(*) from v group by name having sum(n)>$1
select max(name)=$1 from v
select min(ts)<$1 from v
select bool_and(id>$1) from v
select exists(select 1 from v where id=$1)
select distinct on (name) name,id from v where id>$1
with recursive r as (select 1 as k union all select k+1 from r where k<$1) select k from r
with p as (select id, sum(n) over (order by id) s from v) select id from p where s>$1
select id from v where i8=$1 or i2=$2
select id from v where i2+i8=$1
select id from v where coalesce(i2,$1)=$2
select id from v where case when b then id else 0 end=$1
select d+1=$1 from v
select d = $1 from v
select t=$1 from v
select t+$1 from v
select $1::int+$2
select $1::text||$2
select $1::date-$2
select $1::numeric*$2
select $1=1
select $1=1.5
select $1='x'
select $1=$2
select $1<current_date
select $1<now()
select cast($1 as int)
select greatest(d,$1) from v
select greatest($1,$2)
select coalesce($1,$2)
select coalesce($1,'x')
select coalesce(name,$1) from v
select coalesce(d,$1) from v
select array[$1,$2]
select array[$1,'a']
select array[$1]::int[]
select (array[1,2])[$1]
select concat(name,$1::text) from v
select justify_days($1)
select isfinite($1::date)
select pg_sleep($1)
select setseed($1)
select bit_length($1)
select quote_literal($1)
select generate_series($1,$2::date,'1 day')
select generate_series(d,$1,$2) from v
select sum(f*$1) from v
select avg(id)>$1 from v
select id from v where name=$1 and id=$2 and d=$3 and n=$4
select id from v v1 where id=(select max(id) from v v2 where v2.name=v1.name and v2.d>$1)
select a.x from (select id as x, name as y from v) a join (select i8 as x from v) b on a.x=b.x where b.x=$1
select x.* from (select id, n from v) x where x.n=$1
select s.id from (select * from v) s where s.id=$1
select id from v, lateral (select id+1 as k) l where l.k=$1
select count(*) c from v where id>$1 group by name order by c limit $2
insert into v (id,name,d) values ($1,$2,$3)
insert into v (id,n) select $1,$2
insert into v values ($1,$2)
update v set name=$1 where id=$2
update v set n=n+$1, i8=$2 where d=$3
delete from v where id=$1 and f<$2
select d + $1 from v
select $1 + d from v
select d + $1 * interval '1 day' from v
select d + '3', $1::int from v
select d + $1::int from v
