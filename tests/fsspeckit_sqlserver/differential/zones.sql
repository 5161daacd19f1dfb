select timestamptz '2023-03-27 10:00+02' - timestamptz '2023-03-25 10:00+01'
select timestamptz '2023-03-25 10:00+01' - timestamptz '2023-03-27 10:00+02'
select timestamptz '2024-03-01' - timestamptz '2023-01-01', timestamptz '2023-10-30' - timestamptz '2023-10-28 12:00'
select age(timestamptz '2023-03-27 10:00+02', timestamptz '2023-03-25 10:00+01')
select t - u, u - t from (values (timestamptz '2023-03-27 10:00', timestamptz '2023-03-25 10:00'), (null, now())) v(t,u)
select t - timestamptz '2023-03-25 10:00' from (values (timestamptz '2023-03-27 10:00'), (null)) v(t)
select t - '2023-03-25 10:00' from (values (timestamptz '2023-03-27 10:00'), (null)) v(t)
select max(t) - min(t) from (values (timestamptz '2023-03-27 10:00'), ('2023-03-25 10:00')) v(t)
select timestamptz '2023-03-27 10:00' - timestamp '2023-03-25 10:00', timestamptz '2023-03-27 10:00' - date '2023-03-25', date '2023-03-27' - timestamptz '2023-03-25 10:00'
select timestamp '2023-03-27 10:00' - timestamp '2023-03-25 11:00:00.5', timestamp '2023-03-27 10:00' - date '2023-03-25'
select timestamptz '2023-03-27 10:00' - interval '2 days', timestamptz '2023-03-27 10:00' - interval '48 hours'
select date_trunc('hour', timestamptz '2023-10-29 00:30+00'), date_trunc('hour', timestamptz '2023-10-29 01:30+00'), date_trunc('minute', timestamptz '2023-10-29 00:30:11+00'), date_trunc('minute', timestamptz '2023-10-29 01:30:11+00')
select u, t, date_trunc(u, t) from (values ('microseconds'),('milliseconds'),('second'),('minute'),('hour'),('day'),('week'),('month'),('quarter'),('year'),('decade'),('century'),('millennium')) u(u), (values (timestamptz '2023-10-29 00:30:11.123456+00'), ('2023-10-29 01:30:11.123456+00'), ('2023-03-26 00:59:59.5+00'), ('2023-03-26 01:00:00.5+00'), ('2023-03-26 01:30:00.5+00'),('2023-10-28 22:30+00'),('2023-10-29 02:30+00'), ('1890-01-01 00:00+00'), ('2001-01-01 00:00:00+01'),(null)) v(t) order by u,t
select extract(hour from t), extract(epoch from t), extract(timezone from t), extract(day from t), extract(dow from t) from (values (timestamptz '2023-10-29 00:30:11.123456+00'), ('2023-10-29 01:30:11.123456+00')) v(t)
select date_bin('1 hour', t, '2023-01-01 00:00+00'), date_bin('15 minutes', t, timestamptz '2023-01-01'), date_bin('1 day', t, timestamptz '2023-01-01') from (values (timestamptz '2023-10-29 00:30:11.123456+00'), ('2023-10-29 01:30:11.123456+00'), ('2023-03-26 00:59:59.5+00'), ('2023-03-26 01:00:00.5+00'),('2022-12-31 11:11+00')) v(t)
select date_bin('1 hour', timestamp '2023-01-01 10:11', timestamp '2023-01-01 00:07'), date_bin('7 days', timestamp '2023-01-11', timestamp '2023-01-01'), date_bin('90 minutes', timestamp '1960-01-01 10:11', timestamp '2001-01-01')
select date_bin('1 month', timestamp '2023-01-11', timestamp '2023-01-01')
select date_bin('-1 day', timestamp '2023-01-11', timestamp '2023-01-01')
select u, t, date_trunc(u, t, 'Europe/Berlin'), date_trunc(u, t, 'America/New_York') from (values ('second'),('minute'),('hour'),('day'),('week'),('month')) u(u), (values (timestamptz '2023-10-29 00:30:11.123456+00'), ('2023-10-29 01:30:11.123456+00'), ('2023-11-05 05:30+00'),('2023-11-05 06:30+00'), ('2023-03-26 01:00:00.5+00')) v(t) order by u,t
select date_trunc('hour', date '2023-10-29'), date_trunc('day', date '2023-10-29')
select date_trunc('hour', timestamp '2023-10-29 02:30'), date_trunc('week', timestamp '2023-10-29 02:30')
select date_trunc('hour', interval '3 days 02:47:33'), date_trunc('day', interval '3 days 02:47:33'), date_trunc('month', interval '14 months 3 days')
select t at time zone 'Europe/Berlin', t at time zone 'UTC' from (values (timestamptz '2023-10-29 00:30:11.123456+00'), ('2023-10-29 01:30+00')) v(t)
select timestamp '2023-10-29 02:30' at time zone 'Europe/Berlin', timestamp '2023-03-26 02:30' at time zone 'Europe/Berlin', timestamp '2023-10-29 02:30'::timestamptz, timestamp '2023-03-26 02:30'::timestamptz
select t + interval '1 day', t + interval '24 hours', t + interval '1 month' from (values (timestamptz '2023-03-25 10:01+01'),('2023-10-28 02:30+02')) v(t)
select tz + interval '1 day', tz + interval '24 hours' from (values (timestamptz '2023-03-25 10:01+01'),(now())) v(tz) limit 1
select count(*) filter (where t + interval '1 day' = timestamptz '2023-03-26 10:01+02'), count(*) filter (where t + interval '24 hours' = timestamptz '2023-03-26 10:01+02') from (values (timestamptz '2023-03-25 10:01+01'),(now())) v(t)
select d + interval '1 month', d + interval '30 days' from (values (date '2023-01-31'),('2023-02-28')) v(d)
select t from (values (timestamp '2023-01-31'),('2023-02-28')) v(t) where t + interval '1 month' = '2023-02-28' and t + interval '30 days' = '2023-03-02'
select t + interval '1 mon', t + interval '30 days', t - interval '1 mon', t - interval '30 days' from (values (timestamp '2023-01-31'),('2023-02-28')) v(t)
select interval '1 mon' * n, interval '30 days' * n from generate_series(1,2) n
select case when n = 1 then interval '1 mon' else interval '30 days' end from generate_series(1,2) n
select interval '1 day' , interval '24 hours', interval '1 day'::text, interval '24 hours'::text
select i, i + interval '1 mon', i + interval '30 days' from (values (interval '1 day'),('24 hours')) v(i)
select n, array[interval '1 day', interval '24 hours'] from generate_series(1,1) n
select distinct i from (values (interval '1 day'),('24 hours')) v(i)
select i, count(*) from (values (interval '1 day'),('24 hours'),('2 days')) v(i) group by i order by i
select interval '1 day' = interval '24 hours', interval '1 mon' = interval '30 days'
select t + '1 day', t + '24 hours' from (values (timestamptz '2023-03-25 10:01+01'),('2023-10-28 02:30+02')) v(t)
select extract(day from i), extract(hour from i), extract(month from i) from (values (interval '1 day'),('24 hours'),('30 days'),('1 mon')) v(i)
