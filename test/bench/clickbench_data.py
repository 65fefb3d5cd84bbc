"""The table `hits` of ClickBench: its 105 columns, filled by Postgres with values of our own, the same every time.
Skewed as such data is: few sites, users, pages and phrases have most of the rows, and most columns are
nearly always 0 or empty."""

# Simple enough to be inlined: a number below n; a share from 0 to 1; a number below n, small ones most often.
FUNCTIONS = """
CREATE FUNCTION pick(i bigint, salt bigint, n bigint) RETURNS int LANGUAGE sql IMMUTABLE
    RETURN ((hashint8extended($1, $2) & 2147483647) % $3)::int;
CREATE FUNCTION share(i bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
    RETURN (hashint8extended($1, $2) & 2147483647) / 2147483648.0::float8;
CREATE FUNCTION skewed(i bigint, salt bigint, n bigint) RETURNS int LANGUAGE sql IMMUTABLE
    RETURN (power(share($1, $2), 3) * $3)::int;
"""

# In the order of the table; what has no expression is 0, or empty.
COLUMNS = """
watchid bigint = hashint8extended(i, 1)
javaenable smallint = pick(i, 2, 2)
title text = CASE WHEN pick(i, 3, 20) > 0 THEN (ARRAY['News of the day','Google cards','Weather','Flats for rent','Cheap tickets','Films online','Recipes','Forum'])[1 + skewed(i, 4, 8) % 8] || ' - ' || skewed(i, 5, 20000) ELSE '' END
goodevent smallint = 1
eventtime timestamp = timestamp '2013-07-02' + pick(i, 6, 2505600) * interval '1 second'
eventdate date = (timestamp '2013-07-02' + pick(i, 6, 2505600) * interval '1 second')::date
counterid int = 38 + skewed(i, 7, 5000)
clientip int = hashint4(user_number)
regionid int = 1 + skewed(user_number, 8, 2000)
userid bigint = hashint8extended(user_number, 9)
counterclass smallint
os smallint = skewed(user_number, 10, 80)
useragent smallint = skewed(user_number, 11, 60)
url text = 'http://' || site || '/' || (ARRAY['news','catalog','forum/topic','search?q=','images','video'])[1 + skewed(i, 12, 6) % 6] || skewed(i, 13, 30000)
referer text = CASE WHEN pick(i, 14, 10) < 3 THEN '' ELSE (ARRAY['http://','https://'])[1 + pick(i, 15, 2)] || (ARRAY['','www.'])[1 + pick(i, 16, 2)] || (ARRAY['google.com','yandex.ru','mail.ru','bing.com','example.org'])[1 + skewed(i, 17, 5) % 5] || '/' || (ARRAY['search','clck/jsredir?from=','page','']) [1 + pick(i, 18, 4)] || skewed(i, 19, 5000) END
isrefresh smallint = CASE WHEN pick(i, 20, 8) = 0 THEN 1 ELSE 0 END
referercategoryid smallint = skewed(i, 21, 15000)
refererregionid int = skewed(i, 22, 2000)
urlcategoryid smallint = skewed(i, 23, 15000)
urlregionid int = skewed(i, 24, 2000)
resolutionwidth smallint = (ARRAY[1366,1920,1280,1024,1600,1440,0,320])[1 + skewed(user_number, 25, 8) % 8]
resolutionheight smallint = (ARRAY[768,1080,1024,800,900,0,480])[1 + skewed(user_number, 26, 7) % 7]
resolutiondepth smallint = 32
flashmajor smallint = 11
flashminor smallint = skewed(user_number, 27, 10)
flashminor2 text = ''
netmajor smallint
netminor smallint
useragentmajor smallint = skewed(user_number, 28, 50)
useragentminor varchar(255) = chr(65 + skewed(user_number, 29, 26) % 26)
cookieenable smallint = 1
javascriptenable smallint = 1
ismobile smallint = CASE WHEN pick(user_number, 30, 12) = 0 THEN 1 ELSE 0 END
mobilephone smallint = CASE WHEN pick(user_number, 30, 12) = 0 THEN 1 + skewed(user_number, 31, 60) ELSE 0 END
mobilephonemodel text = CASE WHEN pick(user_number, 30, 12) = 0 THEN (ARRAY['iPad','iPhone','GT-I9300','Nexus 7','Lumia','XT910'])[1 + skewed(user_number, 32, 6) % 6] ELSE '' END
params text = ''
ipnetworkid int = skewed(user_number, 33, 3000000)
traficsourceid smallint = pick(i, 34, 9) - 1
searchengineid smallint = CASE WHEN pick(i, 35, 7) = 0 THEN 1 + skewed(i, 36, 80) ELSE 0 END
searchphrase text = CASE WHEN pick(i, 35, 7) = 0 THEN (ARRAY['weather in ','how to cook ','tickets to ','price of ','film ','download '])[1 + skewed(i, 37, 6) % 6] || skewed(i, 38, 30000) ELSE '' END
advengineid smallint = CASE WHEN pick(i, 39, 150) = 0 THEN 1 + skewed(i, 40, 60) ELSE 0 END
isartifical smallint
windowclientwidth smallint = skewed(i, 41, 1900)
windowclientheight smallint = skewed(i, 42, 1100)
clienttimezone smallint = 240
clienteventtime timestamp = timestamp '2013-07-02' + pick(i, 43, 2505600) * interval '1 second'
silverlightversion1 smallint = 5
silverlightversion2 smallint = 1
silverlightversion3 int = 20125
silverlightversion4 smallint
pagecharset varchar(255) = 'utf-8'
codeversion int = 1601
islink smallint = CASE WHEN pick(i, 44, 12) = 0 THEN 1 ELSE 0 END
isdownload smallint = CASE WHEN pick(i, 45, 200) = 0 THEN 1 ELSE 0 END
isnotbounce smallint = pick(i, 46, 2)
funiqid bigint = hashint8extended(user_number, 47)
originalurl text = ''
hid int = hashint4(i)
isoldcounter smallint
isevent smallint
isparameter smallint
dontcounthits smallint = CASE WHEN pick(i, 48, 6) = 0 THEN 1 ELSE 0 END
withhash smallint
hitcolor char(1) = (ARRAY['5','D','F','A'])[1 + skewed(i, 49, 4) % 4]
localeventtime timestamp = timestamp '2013-07-02' + pick(i, 6, 2505600) * interval '1 second' + interval '4 hours'
age smallint = skewed(user_number, 50, 60)
sex smallint = pick(user_number, 51, 3)
income smallint = pick(user_number, 52, 5)
interests smallint = pick(user_number, 53, 30000)
robotness smallint = skewed(user_number, 54, 5)
remoteip int = hashint4(user_number)
windowname int = -1
openername int = -1
historylength smallint = skewed(i, 55, 50)
browserlanguage varchar(255) = 'ru'
browsercountry varchar(255) = 'RU'
socialnetwork text = ''
socialaction text = ''
httperror smallint
sendtiming int = skewed(i, 56, 3000)
dnstiming int = skewed(i, 57, 300)
connecttiming int = skewed(i, 58, 300)
responsestarttiming int = skewed(i, 59, 3000)
responseendtiming int = skewed(i, 60, 9000)
fetchtiming int = skewed(i, 61, 3000)
socialsourcenetworkid smallint
socialsourcepage text = ''
paramprice bigint
paramorderid text = ''
paramcurrency varchar(255) = 'NH'
paramcurrencyid smallint
openstatservicename text = ''
openstatcampaignid text = ''
openstatadid text = ''
openstatsourceid text = ''
utmsource text = ''
utmmedium text = ''
utmcampaign text = ''
utmcontent text = ''
utmterm text = ''
fromtag text = ''
hasgclid smallint
refererhash bigint = skewed(i, 19, 5000)
urlhash bigint = skewed(i, 13, 30000)
clid int
"""
KEY = "counterid, eventdate, userid, eventtime, watchid"


def statements(rows):
    """What makes and fills the table."""
    parts = [line.partition(" = ") for line in COLUMNS.strip().splitlines()]
    columns = [(column, value or "0") for column, _, value in parts]
    yield FUNCTIONS
    yield (f"CREATE TABLE hits ({', '.join(f'{column} NOT NULL' for column, _ in columns)}, PRIMARY KEY ({KEY}))")
    values = ", ".join(f"({value})::{column.split(' ', 1)[1]}" for column, value in columns)
    yield f"""INSERT INTO hits SELECT {values} FROM (SELECT i, skewed(i, 62, {rows // 4}) AS user_number,
        (ARRAY['example.com','smeshariki.ru','irr.ru','images.google.com','kinopoisk.ru','video.example.org','tickets.example','auto.ru'])[1 + skewed(i, 63, 8) % 8] AS site
        FROM generate_series(1, {rows}) i) hits"""
