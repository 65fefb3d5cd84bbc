"""The 24 tables of TPC-DS, made by Postgres itself: the columns and types of the specification, values of the
same domains, the same every time. Every row follows from its number by hashes; about every 25th foreign
key of the facts is NULL. Scale 1 has as many rows as the specification says."""

# What the expressions below are made of; simple enough to be inlined.
FUNCTIONS = """
CREATE FUNCTION pick(i bigint, salt bigint, n bigint) RETURNS int LANGUAGE sql IMMUTABLE
    RETURN ((hashint8extended($1, $2) & 2147483647) % $3)::int;
CREATE FUNCTION word(i bigint, salt bigint, words text[]) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN ($3)[1 + pick($1, $2, cardinality($3))];
CREATE FUNCTION maybe(i bigint, salt bigint, value anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE
    AS 'SELECT CASE WHEN pick($1, $2 + 1000, 25) > 0 THEN $3 END';
CREATE FUNCTION key16(i bigint) RETURNS text LANGUAGE sql IMMUTABLE RETURN lpad(translate($1::text, '0123456789', 'ABCDEFGHIJ'), 16, 'A');
"""

# Rows at scale 1, and how few there are at least.
ROWS = {"store_sales": (2_880_000, 20_000), "catalog_sales": (1_440_000, 10_000), "web_sales": (720_000, 5_000),
        "customer": (100_000, 1_000), "customer_address": (50_000, 500), "customer_demographics": (1_920_800, 9_604),
        "item": (18_000, 500), "catalog_page": (11_718, 200), "promotion": (300, 50), "inventory_weeks": (261, 261),
        "store": (12, 12), "warehouse": (5, 5), "web_site": (30, 30), "web_page": (60, 60), "call_center": (6, 6),
        "reason": (35, 35), "ship_mode": (20, 20), "income_band": (20, 20), "household_demographics": (7_200, 7_200),
        "date_dim": (73_049, 73_049), "time_dim": (86_400, 86_400)}
FIRST_DAY = 2450816  # of sales, as a Julian day: 1998-01-02
DAYS = 1823

ADDRESS = """
    {p}street_number char(10) = pick(i, 11, 1000)::text
    {p}street_name varchar(60) = word(i, 12, '{{Main,Oak,Park,Elm,Cedar,Maple Hill,Lake,First,Second,Sunset Ridge}}')
    {p}street_type char(15) = word(i, 13, '{{Street,Ave,Blvd,Ct.,Dr.,Lane,Pkwy,RD,Way}}')
    {p}suite_number char(10) = 'Suite ' || pick(i, 14, 50)
    {p}city varchar(60) = word(i, 15, '{{Fairview,Midway,Pleasant Hill,Centerville,Oak Grove,Riverside,Five Points,Oakland,Edgewood,Salem}}')
    {p}county varchar(30) = word(i, 16, '{{Williamson County,Ziebach County,Walker County,Daviess County,Barrow County,Franklin Parish,Luce County,Richland County,Fairfield County,Bronx County,Orange County,Rush County,Toole County,Jefferson County,Dona Ana County,La Porte County}}')
    {p}state char(2) = word(i, 17, '{states}')
    {p}zip char(10) = word(i, 18, '{{24128,76232,65084,87816,83926,77556,20548,26231,43848,15126,91137,61265,98294,25782,17920,85669,86197,88274,83405,86475,31904,35709,40150,33604}}') || CASE WHEN i % 3 = 0 THEN '-' || pick(i, 19, 9999) ELSE '' END
    {p}country varchar(20) = 'United States'
    {p}gmt_offset decimal(5,2) = -5 - pick(i, 20, 4)"""
FEW_STATES = "{TN,TN,TN,TN,SD,AL,GA,OH}"
STATES = "{TN,SD,AL,GA,OH,TX,OR,MN,KY,VA,CA,MS,CO,IN,NC,WA,NY,LA,IL,MO,KS,MI,NE,WI,ND,IA}"

# Column, type and expression over i, the number of the row; its first column is the key.
DIMENSIONS = {
    "date_dim": """
    d_date_sk int = i + 2415021
    d_date_id char(16) = key16(i)
    d_date date = date '1900-01-01' + i::int
    d_month_seq int = (extract(year FROM date '1900-01-01' + i::int)::int - 1900) * 12 + extract(month FROM date '1900-01-01' + i::int)::int - 1
    d_week_seq int = (i + 7) / 7
    d_quarter_seq int = (extract(year FROM date '1900-01-01' + i::int)::int - 1900) * 4 + extract(quarter FROM date '1900-01-01' + i::int)::int
    d_year int = extract(year FROM date '1900-01-01' + i::int)::int
    d_dow int = extract(dow FROM date '1900-01-01' + i::int)::int
    d_moy int = extract(month FROM date '1900-01-01' + i::int)::int
    d_dom int = extract(day FROM date '1900-01-01' + i::int)::int
    d_qoy int = extract(quarter FROM date '1900-01-01' + i::int)::int
    d_fy_year int = extract(year FROM date '1900-01-01' + i::int)::int
    d_fy_quarter_seq int = (extract(year FROM date '1900-01-01' + i::int)::int - 1900) * 4 + extract(quarter FROM date '1900-01-01' + i::int)::int
    d_fy_week_seq int = (i + 7) / 7
    d_day_name char(9) = (ARRAY['Sunday','Monday','Tuesday','Wednesday','Thursday','Friday','Saturday'])[1 + extract(dow FROM date '1900-01-01' + i::int)::int]
    d_quarter_name char(6) = to_char(date '1900-01-01' + i::int, 'YYYY"Q"Q')
    d_holiday char(1) = CASE WHEN pick(i, 1, 30) = 0 THEN 'Y' ELSE 'N' END
    d_weekend char(1) = CASE WHEN extract(dow FROM date '1900-01-01' + i::int) IN (5, 6) THEN 'Y' ELSE 'N' END
    d_following_holiday char(1) = 'N'
    d_first_dom int = i + 2415021
    d_last_dom int = i + 2415021
    d_same_day_ly int = i + 2415021 - 365
    d_same_day_lq int = i + 2415021 - 91
    d_current_day char(1) = 'N'
    d_current_week char(1) = 'N'
    d_current_month char(1) = 'N'
    d_current_quarter char(1) = 'N'
    d_current_year char(1) = 'N'""",
    "time_dim": """
    t_time_sk int = i - 1
    t_time_id char(16) = key16(i)
    t_time int = i - 1
    t_hour int = (i - 1) / 3600
    t_minute int = (i - 1) / 60 % 60
    t_second int = (i - 1) % 60
    t_am_pm char(2) = CASE WHEN i <= 43200 THEN 'AM' ELSE 'PM' END
    t_shift char(20) = (ARRAY['third','first','second'])[1 + (i - 1) / 28800]
    t_sub_shift char(20) = (ARRAY['night','morning','afternoon','evening'])[1 + (i - 1) / 21600]
    t_meal_time char(20) = CASE (i - 1) / 3600 WHEN 6 THEN 'breakfast' WHEN 7 THEN 'breakfast' WHEN 8 THEN 'breakfast' WHEN 12 THEN 'lunch' WHEN 18 THEN 'dinner' WHEN 19 THEN 'dinner' END""",
    "customer_address": """
    ca_address_sk int = i
    ca_address_id char(16) = key16(i)""" + ADDRESS.format(p="ca_", states=STATES) + """
    ca_location_type char(20) = word(i, 21, '{apartment,condo,single family}')""",
    "customer_demographics": """
    cd_demo_sk int = i
    cd_gender char(1) = (ARRAY['M','F'])[1 + i % 2]
    cd_marital_status char(1) = (ARRAY['M','S','D','W','U'])[1 + i / 2 % 5]
    cd_education_status char(20) = (ARRAY['Primary','Secondary','College','2 yr Degree','4 yr Degree','Advanced Degree','Unknown'])[1 + i / 10 % 7]
    cd_purchase_estimate int = 500 * (1 + i / 70 % 20)
    cd_credit_rating char(10) = (ARRAY['Good','Low Risk','High Risk','Unknown'])[1 + i / 1400 % 4]
    cd_dep_count int = i / 5600 % 7
    cd_dep_employed_count int = i / 39200 % 7
    cd_dep_college_count int = i / 274400 % 7""",
    "household_demographics": """
    hd_demo_sk int = i
    hd_income_band_sk int = 1 + i % 20
    hd_buy_potential char(15) = (ARRAY['0-500','501-1000','1001-5000','5001-10000','>10000','Unknown'])[1 + i / 20 % 6]
    hd_dep_count int = i / 120 % 10
    hd_vehicle_count int = i / 1200 % 6 - 1""",
    "income_band": """
    ib_income_band_sk int = i
    ib_lower_bound int = (i - 1) * 10000 + CASE WHEN i > 1 THEN 1 ELSE 0 END
    ib_upper_bound int = i * 10000""",
    "customer": """
    c_customer_sk int = i
    c_customer_id char(16) = key16(i)
    c_current_cdemo_sk int = maybe(i, 1, 1 + pick(i, 1, {customer_demographics}))
    c_current_hdemo_sk int = maybe(i, 2, 1 + pick(i, 2, 7200))
    c_current_addr_sk int = 1 + pick(i, 3, {customer_address})
    c_first_shipto_date_sk int = maybe(i, 4, 2449000 + pick(i, 4, 3650))
    c_first_sales_date_sk int = maybe(i, 5, 2449000 + pick(i, 5, 3650))
    c_salutation char(10) = maybe(i, 6, word(i, 6, '{{Mr.,Mrs.,Ms.,Dr.,Miss,Sir}}'))
    c_first_name char(20) = maybe(i, 7, word(i, 7, '{{James,Mary,John,Linda,Robert,Barbara,Michael,Susan,William,Lisa}}'))
    c_last_name char(30) = maybe(i, 8, word(i, 8, '{{Smith,Johnson,Williams,Jones,Brown,Davis,Miller,Wilson,Moore,Taylor,Anderson,Thomas}}'))
    c_preferred_cust_flag char(1) = maybe(i, 9, word(i, 9, '{{Y,N}}'))
    c_birth_day int = maybe(i, 10, 1 + pick(i, 10, 28))
    c_birth_month int = maybe(i, 11, 1 + pick(i, 11, 12))
    c_birth_year int = maybe(i, 12, 1924 + pick(i, 12, 69))
    c_birth_country varchar(20) = maybe(i, 13, word(i, 13, '{{CHILE,GREECE,TOGO,QATAR,NEPAL,ICELAND,UNITED STATES}}'))
    c_login char(13) = NULL
    c_email_address char(50) = maybe(i, 14, 'c' || i || '@example.com')
    c_last_review_date_sk int = maybe(i, 15, 2452283 + pick(i, 15, 365))""",
    "item": """
    i_item_sk int = i
    i_item_id char(16) = key16(i / 2)
    i_rec_start_date date = date '1997-10-27' + pick(i, 1, 1000)
    i_rec_end_date date = CASE WHEN i % 2 = 0 THEN date '2000-10-26' + pick(i, 2, 300) END
    i_item_desc varchar(200) = maybe(i, 3, 'Item of kind ' || pick(i, 3, 300) || ' and ' || word(i, 4, '{{old,new,other}}'))
    i_current_price decimal(7,2) = maybe(i, 5, (9 + pick(i, 5, 9991)) / 100.0)
    i_wholesale_cost decimal(7,2) = maybe(i, 6, (2 + pick(i, 6, 8000)) / 100.0)
    i_brand_id int = maybe(i, 7, 1001001 + pick(i, 7, 90) * 1001)
    i_brand char(50) = maybe(i, 8, word(i, 7, '{{amalgscholar,edu packscholar,exportiimporto,importoamalg,scholaramalgamalg,corpbrand,univmaxi,namelessunimaxi,maxicorp}}') || ' #' || 1 + pick(i, 8, 9))
    i_class_id int = maybe(i, 9, 1 + pick(i, 9, 16))
    i_class char(50) = maybe(i, 10, word(i, 10, '{{personal,portable,reference,self-help,accessories,classical,fragrances,pants,computers,stereo,football,shirts,birdal,dresses,swimwear,business}}'))
    i_category_id int = maybe(i, 11, 1 + pick(i, 11, 10))
    i_category char(50) = maybe(i, 12, word(i, 11, '{{Women,Men,Children,Shoes,Music,Jewelry,Home,Sports,Books,Electronics}}'))
    i_manufact_id int = maybe(i, 13, 1 + pick(i, 13, 1000))
    i_manufact char(50) = maybe(i, 14, word(i, 14, '{{able,ought,pri,ese,anti,cally,ation,eing}}') || word(i, 15, '{{able,ought,pri,ese}}'))
    i_size char(20) = maybe(i, 16, word(i, 16, '{{medium,extra large,N/A,small,petite,economy,large}}'))
    i_formulation char(20) = pick(i, 17, 1000000)::text
    i_color char(20) = maybe(i, 18, word(i, 18, '{{powder,khaki,brown,honeydew,floral,deep,light,cornflower,midnight,snow,cyan,papaya,orange,frosted,forest,ghost,pale,chiffon,slate,blanched,burnished,purple,burlywood,indian,spring,medium,peach,saddle,navy,metallic,smoke,pink}}'))
    i_units char(10) = maybe(i, 19, word(i, 19, '{{Ounce,Oz,Bunch,Ton,N/A,Dozen,Box,Pound,Pallet,Gross,Cup,Dram,Each,Tbl,Lb,Bundle}}'))
    i_container char(10) = 'Unknown'
    i_manager_id int = maybe(i, 20, 1 + pick(i, 20, 100))
    i_product_name char(50) = maybe(i, 21, 'product' || i)""",
    "promotion": """
    p_promo_sk int = i
    p_promo_id char(16) = key16(i)
    p_start_date_sk int = 2450095 + pick(i, 1, 800)
    p_end_date_sk int = 2450995 + pick(i, 2, 800)
    p_item_sk int = 1 + pick(i, 3, {item})
    p_cost decimal(15,2) = 1000
    p_response_target int = 1
    p_promo_name char(50) = word(i, 4, '{{able,ought,pri,ese,anti}}')
    p_channel_dmail char(1) = word(i, 5, '{{Y,N}}')
    p_channel_email char(1) = word(i, 6, '{{N,N,Y}}')
    p_channel_catalog char(1) = 'N'
    p_channel_tv char(1) = word(i, 7, '{{N,N,N,Y}}')
    p_channel_radio char(1) = 'N'
    p_channel_press char(1) = 'N'
    p_channel_event char(1) = word(i, 8, '{{N,N,N,Y}}')
    p_channel_demo char(1) = 'N'
    p_channel_details varchar(100) = 'Details of ' || i
    p_purpose char(15) = 'Unknown'
    p_discount_active char(1) = 'N'""",
    "catalog_page": """
    cp_catalog_page_sk int = i
    cp_catalog_page_id char(16) = key16(i)
    cp_start_date_sk int = 2450815 + pick(i, 1, 1000)
    cp_end_date_sk int = 2451815 + pick(i, 2, 1000)
    cp_department varchar(50) = 'DEPARTMENT'
    cp_catalog_number int = 1 + i / 100
    cp_catalog_page_number int = 1 + i % 100
    cp_description varchar(100) = 'Page ' || i
    cp_type varchar(100) = word(i, 3, '{{bi-annual,quarterly,monthly}}')""",
    "store": """
    s_store_sk int = i
    s_store_id char(16) = key16((i + 1) / 2)
    s_rec_start_date date = date '1997-03-13'
    s_rec_end_date date = NULL
    s_closed_date_sk int = NULL
    s_store_name varchar(50) = (ARRAY['ought','able','pri','ese','anti','cally','ation','eing','bar'])[1 + i % 9]
    s_number_employees int = 200 + pick(i, 1, 101)
    s_floor_space int = 5000000 + pick(i, 2, 5000000)
    s_hours char(20) = word(i, 3, '{8AM-4PM,8AM-12AM,8AM-8AM}')
    s_manager varchar(40) = word(i, 4, '{William Ward,Scott Smith,Edwin Adams,Brett Yates}')
    s_market_id int = 1 + i % 10
    s_geography_class varchar(100) = 'Unknown'
    s_market_desc varchar(100) = 'Market ' || i
    s_market_manager varchar(40) = word(i, 5, '{Julius Tran,Dean Morrison,Charles Bartley}')
    s_division_id int = 1
    s_division_name varchar(50) = 'Unknown'
    s_company_id int = 1
    s_company_name varchar(50) = 'Unknown'""" + ADDRESS.format(p="s_", states=FEW_STATES) + """
    s_tax_percentage decimal(5,2) = pick(i, 22, 12) / 100.0""",
    "warehouse": """
    w_warehouse_sk int = i
    w_warehouse_id char(16) = key16(i)
    w_warehouse_name varchar(20) = 'Warehouse number ' || i
    w_warehouse_sq_ft int = 50000 + pick(i, 1, 950000)""" + ADDRESS.format(p="w_", states=FEW_STATES),
    "call_center": """
    cc_call_center_sk int = i
    cc_call_center_id char(16) = key16(i)
    cc_rec_start_date date = date '1998-01-01'
    cc_rec_end_date date = NULL
    cc_closed_date_sk int = NULL
    cc_open_date_sk int = 2450952
    cc_name varchar(50) = (ARRAY['NY Metro','Mid Atlantic','North Midwest'])[1 + i % 3]
    cc_class varchar(50) = 'large'
    cc_employees int = 100 * i
    cc_sq_ft int = 1000 * i
    cc_hours char(20) = '8AM-4PM'
    cc_manager varchar(40) = (ARRAY['Bob Belcher','Felipe Perkins','Mark Hightower'])[1 + i % 3]
    cc_mkt_id int = 1 + i % 6
    cc_mkt_class char(50) = 'Class'
    cc_mkt_desc varchar(100) = 'Description'
    cc_market_manager varchar(40) = 'Julius Tran'
    cc_division int = 1
    cc_division_name varchar(50) = 'pri'
    cc_company int = 1
    cc_company_name char(50) = 'able'""" + ADDRESS.format(p="cc_", states=FEW_STATES) + """
    cc_tax_percentage decimal(5,2) = 0.05""",
    "web_site": """
    web_site_sk int = i
    web_site_id char(16) = key16((i + 1) / 2)
    web_rec_start_date date = date '1997-08-16'
    web_rec_end_date date = NULL
    web_name varchar(50) = 'site_' || i / 6
    web_open_date_sk int = 2450628
    web_close_date_sk int = NULL
    web_class varchar(50) = 'Unknown'
    web_manager varchar(40) = 'Adam Stonge'
    web_mkt_id int = 1 + i % 6
    web_mkt_class varchar(50) = 'Class'
    web_mkt_desc varchar(100) = 'Description'
    web_market_manager varchar(40) = 'David Myers'
    web_company_id int = 1 + i % 6
    web_company_name char(50) = (ARRAY['pri','able','ought','ese','anti','cally'])[1 + i % 6]""" + ADDRESS.format(p="web_", states=FEW_STATES) + """
    web_tax_percentage decimal(5,2) = 0.05""",
    "web_page": """
    wp_web_page_sk int = i
    wp_web_page_id char(16) = key16((i + 1) / 2)
    wp_rec_start_date date = date '1997-09-03'
    wp_rec_end_date date = NULL
    wp_creation_date_sk int = 2450810
    wp_access_date_sk int = 2452620
    wp_autogen_flag char(1) = 'N'
    wp_customer_sk int = NULL
    wp_url varchar(100) = 'http://www.example.com'
    wp_type char(50) = word(i, 1, '{order,general,welcome,protected,feedback,ad,dynamic}')
    wp_char_count int = 4900 + pick(i, 2, 500)
    wp_link_count int = 2 + pick(i, 3, 24)
    wp_image_count int = 1 + pick(i, 4, 7)
    wp_max_ad_count int = pick(i, 5, 5)""",
    "reason": """
    r_reason_sk int = i
    r_reason_id char(16) = key16(i)
    r_reason_desc char(100) = 'reason ' || i""",
    "ship_mode": """
    sm_ship_mode_sk int = i
    sm_ship_mode_id char(16) = key16(i)
    sm_type char(30) = (ARRAY['EXPRESS','NEXT DAY','OVERNIGHT','REGULAR','TWO DAY','LIBRARY'])[1 + i % 6]
    sm_code char(10) = (ARRAY['AIR','SURFACE','SEA'])[1 + i % 3]
    sm_carrier char(20) = (ARRAY['UPS','FEDEX','DHL','BARIAN','USPS','TBS','ZHOU','MSC','LATVIAN'])[1 + i % 9]
    sm_contract char(20) = 'contract ' || i""",
}

# A sale: rows of one ticket or order (t) share who, when and where; k is the row's place in it.
PRICES = """
    {p}_quantity int = maybe(i, 30, q)
    {p}_wholesale_cost decimal(7,2) = maybe(i, 31, w)
    {p}_list_price decimal(7,2) = maybe(i, 32, l)
    {p}_sales_price decimal(7,2) = maybe(i, 33, s)
    {p}_ext_discount_amt decimal(7,2) = maybe(i, 34, (l - s) * q)
    {p}_ext_sales_price decimal(7,2) = maybe(i, 35, s * q)
    {p}_ext_wholesale_cost decimal(7,2) = maybe(i, 36, w * q)
    {p}_ext_list_price decimal(7,2) = maybe(i, 37, l * q)
    {p}_ext_tax decimal(7,2) = maybe(i, 38, s * q * 0.07)
    {p}_coupon_amt decimal(7,2) = maybe(i, 39, c)"""
NET = """
    {p}_net_paid decimal(7,2) = maybe(i, 40, s * q - c)
    {p}_net_paid_inc_tax decimal(7,2) = maybe(i, 41, (s * q - c) * 1.07)"""
SHIPPED = """
    {p}_ext_ship_cost decimal(7,2) = maybe(i, 42, l * q * 0.2)""" + NET + """
    {p}_net_paid_inc_ship decimal(7,2) = s * q - c + l * q * 0.2
    {p}_net_paid_inc_ship_tax decimal(7,2) = (s * q - c) * 1.07 + l * q * 0.2"""
PROFIT = """
    {p}_net_profit decimal(7,2) = maybe(i, 43, s * q - c - w * q)"""
BUYERS = """
    {p}_bill_customer_sk int = maybe(t, 3, 1 + pick(t, 3, {customer}))
    {p}_bill_cdemo_sk int = maybe(t, 4, 1 + pick(t, 4, {customer_demographics}))
    {p}_bill_hdemo_sk int = maybe(t, 5, 1 + pick(t, 5, 7200))
    {p}_bill_addr_sk int = maybe(t, 6, 1 + pick(t, 6, {customer_address}))
    {p}_ship_customer_sk int = maybe(t, 7, 1 + pick(t, 3 + pick(t, 7, 2), {customer}))
    {p}_ship_cdemo_sk int = maybe(t, 8, 1 + pick(t, 8, {customer_demographics}))
    {p}_ship_hdemo_sk int = maybe(t, 9, 1 + pick(t, 9, 7200))
    {p}_ship_addr_sk int = maybe(t, 10, 1 + pick(t, 10, {customer_address}))"""
SALES = {
    "store_sales": (12, "ss_item_sk, ss_ticket_number", """
    ss_sold_date_sk int = maybe(t, 1, day)
    ss_sold_time_sk int = maybe(t, 2, 28800 + pick(t, 2, 46800))
    ss_item_sk int = item
    ss_customer_sk int = maybe(t, 3, 1 + pick(t, 3, {customer}))
    ss_cdemo_sk int = maybe(t, 4, 1 + pick(t, 4, {customer_demographics}))
    ss_hdemo_sk int = maybe(t, 5, 1 + pick(t, 5, 7200))
    ss_addr_sk int = maybe(t, 6, 1 + pick(t, 6, {customer_address}))
    ss_store_sk int = maybe(t, 7, 1 + pick(t, 7, 12))
    ss_promo_sk int = maybe(i, 8, 1 + pick(i, 8, {promotion}))
    ss_ticket_number int = t""" + PRICES + NET + PROFIT),
    "catalog_sales": (9, "cs_item_sk, cs_order_number", """
    cs_sold_date_sk int = maybe(t, 1, day)
    cs_sold_time_sk int = maybe(t, 2, pick(t, 2, 86400))
    cs_ship_date_sk int = maybe(i, 11, day + 2 + pick(i, 11, 118))""" + BUYERS + """
    cs_call_center_sk int = maybe(t, 12, 1 + pick(t, 12, 6))
    cs_catalog_page_sk int = maybe(i, 13, 1 + pick(i, 13, {catalog_page}))
    cs_ship_mode_sk int = maybe(i, 14, 1 + pick(i, 14, 20))
    cs_warehouse_sk int = maybe(i, 15, 1 + pick(i, 15, 5))
    cs_item_sk int = item
    cs_promo_sk int = maybe(i, 16, 1 + pick(i, 16, {promotion}))
    cs_order_number int = t""" + PRICES + SHIPPED + PROFIT),
    "web_sales": (12, "ws_item_sk, ws_order_number", """
    ws_sold_date_sk int = maybe(t, 1, day)
    ws_sold_time_sk int = maybe(t, 2, pick(t, 2, 86400))
    ws_ship_date_sk int = maybe(i, 11, day + 1 + pick(i, 11, 120))
    ws_item_sk int = item""" + BUYERS + """
    ws_web_page_sk int = maybe(i, 12, 1 + pick(i, 12, 60))
    ws_web_site_sk int = maybe(i, 13, 1 + pick(i, 13, 30))
    ws_ship_mode_sk int = maybe(i, 14, 1 + pick(i, 14, 20))
    ws_warehouse_sk int = maybe(i, 15, 1 + pick(i, 15, 5))
    ws_promo_sk int = maybe(i, 16, 1 + pick(i, 16, {promotion}))
    ws_order_number int = t""" + PRICES + SHIPPED + PROFIT),
}

# A return: every tenth sale, by the columns of the sale.
RETURNED = """
    {p}_return_quantity int = maybe(i, 60, rq)
    {p}_return_{amount} decimal(7,2) = maybe(i, 61, rq * price)
    {p}_return_tax decimal(7,2) = maybe(i, 62, rq * price * 0.07)
    {p}_return_amt_inc_tax decimal(7,2) = maybe(i, 63, rq * price * 1.07)
    {p}_fee decimal(7,2) = maybe(i, 64, 0.5 + pick(i, 64, 9950) / 100.0)
    {p}_return_ship_cost decimal(7,2) = maybe(i, 65, rq * 1.25)
    {p}_refunded_cash decimal(7,2) = maybe(i, 66, rq * price * 0.4)
    {p}_reversed_charge decimal(7,2) = maybe(i, 67, rq * price * 0.35)
    {p}_{credit}_credit decimal(7,2) = maybe(i, 68, rq * price * 0.25)
    {p}_net_loss decimal(7,2) = maybe(i, 69, rq * 1.25 + rq * price * 0.07)"""
RETURNING = """
    {p}_refunded_customer_sk int = {s}_bill_customer_sk
    {p}_refunded_cdemo_sk int = {s}_bill_cdemo_sk
    {p}_refunded_hdemo_sk int = {s}_bill_hdemo_sk
    {p}_refunded_addr_sk int = {s}_bill_addr_sk
    {p}_returning_customer_sk int = maybe(i, 52, {s}_ship_customer_sk)
    {p}_returning_cdemo_sk int = CASE WHEN pick(i, 53, 2) = 0 THEN {s}_bill_cdemo_sk ELSE {s}_ship_cdemo_sk END
    {p}_returning_hdemo_sk int = {s}_ship_hdemo_sk
    {p}_returning_addr_sk int = {s}_ship_addr_sk"""
RETURNS = {
    "store_returns": ("store_sales", "ss_ticket_number", "sr_item_sk, sr_ticket_number", """
    sr_returned_date_sk int = maybe(i, 50, ss_sold_date_sk + 1 + pick(i, 50, 130))
    sr_return_time_sk int = pick(i, 51, 86400)
    sr_item_sk int = ss_item_sk
    sr_customer_sk int = maybe(i, 52, ss_customer_sk)
    sr_cdemo_sk int = ss_cdemo_sk
    sr_hdemo_sk int = ss_hdemo_sk
    sr_addr_sk int = ss_addr_sk
    sr_store_sk int = ss_store_sk
    sr_reason_sk int = maybe(i, 53, 1 + pick(i, 53, 35))
    sr_ticket_number int = ss_ticket_number""" + RETURNED.format(p="sr", amount="amt", credit="store")),
    "catalog_returns": ("catalog_sales", "cs_order_number", "cr_item_sk, cr_order_number", """
    cr_returned_date_sk int = maybe(i, 50, cs_sold_date_sk + 1 + pick(i, 50, 130))
    cr_returned_time_sk int = pick(i, 51, 86400)
    cr_item_sk int = cs_item_sk""" + RETURNING.format(p="cr", s="cs") + """
    cr_call_center_sk int = cs_call_center_sk
    cr_catalog_page_sk int = cs_catalog_page_sk
    cr_ship_mode_sk int = cs_ship_mode_sk
    cr_warehouse_sk int = cs_warehouse_sk
    cr_reason_sk int = maybe(i, 54, 1 + pick(i, 54, 35))
    cr_order_number int = cs_order_number""" + RETURNED.format(p="cr", amount="amount", credit="store")),
    "web_returns": ("web_sales", "ws_order_number", "wr_item_sk, wr_order_number", """
    wr_returned_date_sk int = maybe(i, 50, ws_sold_date_sk + 1 + pick(i, 50, 130))
    wr_returned_time_sk int = pick(i, 51, 86400)
    wr_item_sk int = ws_item_sk""" + RETURNING.format(p="wr", s="ws") + """
    wr_web_page_sk int = ws_web_page_sk
    wr_reason_sk int = maybe(i, 54, 1 + pick(i, 54, 35))
    wr_order_number int = ws_order_number""" + RETURNED.format(p="wr", amount="amt", credit="account")),
}
TABLES = [*DIMENSIONS, "inventory", *SALES, *RETURNS]


def columns_of(text, **values):
    """Name, type and expression of each line."""
    lines = [line.strip() for line in text.format(**values).splitlines() if line.strip()]
    return [(*line.split(" = ", 1)[0].split(" ", 1), line.split(" = ", 1)[1]) for line in lines]


def create(name, columns, key):
    keys = key.split(", ")
    body = ", ".join(f"{column} {kind}{' NOT NULL' if column in keys else ''}" for column, kind, _ in columns)
    return f"CREATE TABLE {name} ({body}, PRIMARY KEY ({key}))"


def insert(name, columns, source):
    values = ", ".join(f"({expression})::{kind}" for _, kind, expression in columns)
    return f"INSERT INTO {name} SELECT {values} FROM {source}"


def statements(scale):
    """What makes and fills the tables."""
    rows = {name: max(least, int(full * scale)) for name, (full, least) in ROWS.items()}
    yield FUNCTIONS
    for name, text in DIMENSIONS.items():
        columns = columns_of(text if "{{" in text else text.replace("{", "{{").replace("}", "}}"), **rows)
        yield create(name, columns, columns[0][0])
        yield insert(name, columns, f"generate_series(1, {rows[name]}) i")
    yield ("CREATE TABLE inventory (inv_date_sk int NOT NULL, inv_item_sk int NOT NULL, inv_warehouse_sk int NOT NULL, "
           "inv_quantity_on_hand int, PRIMARY KEY (inv_date_sk, inv_item_sk, inv_warehouse_sk))")
    yield (f"INSERT INTO inventory SELECT {FIRST_DAY - 1} + week * 7, item, house, "
           f"maybe(week * 100003 + item, house, pick(week * 100003 + item, house, 1000)) "
           f"FROM generate_series(0, {rows['inventory_weeks'] - 1}) week, "
           f"generate_series(1, {rows['item']}, 2) item, generate_series(1, 5) house")
    for name, (lines, key, text) in SALES.items():
        columns = columns_of(text, p=key[:2], **rows)
        yield create(name, columns, key)
        salt = {"ss": 0, "cs": 1, "ws": 2}[key[:2]]
        yield insert(name, columns, f"""(SELECT i, t, day, item, q, w, l, s, CASE WHEN pick(i, 74, 5) = 0
                THEN round(s * q * pick(i, 75, 101) / 100, 2) ELSE 0 END AS c FROM (SELECT *,
                round(l * (1 + pick(i, 73, 100)) / 100, 2) AS s FROM (SELECT *,
                round(w * (100 + pick(i, 72, 101)) / 100, 2) AS l FROM (SELECT i, t,
                {FIRST_DAY} + pick(t, 70, {DAYS}) AS day, 1 + (pick(t, 71, {rows['item']}) + k * 7) % {rows['item']} AS item,
                1 + pick(i, 76, 100) AS q, (100 + pick(i, 77, 9901))::numeric / 100 AS w FROM (
                SELECT i::bigint * 3 + {salt} AS i, i / {lines} AS t, i % {lines} AS k FROM generate_series(0, {rows[name] - 1}) i) a) b) c) d) e""")
    for name, (sales, number, key, text) in RETURNS.items():
        columns = columns_of(text)
        yield create(name, columns, key)
        p = number[:2]
        yield insert(name, columns, f"""(SELECT *, {number}::bigint * 100003 + {p}_item_sk AS i,
                1 + pick({number}, {p}_item_sk, coalesce({p}_quantity, 1)) AS rq, coalesce({p}_sales_price, 1) AS price
                FROM {sales} WHERE pick({number}::bigint * 100003 + {p}_item_sk, 9, 10) = 0) s""")
