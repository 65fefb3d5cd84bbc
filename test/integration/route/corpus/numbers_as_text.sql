-- numeric without digits, which the mirror holds as text.
--@ routed
SELECT x.l, x.l + 1, sum(x.l) OVER () FROM (SELECT loose AS l, id FROM items WHERE id < 50) x WHERE x.l > 0;
--@ partly
SELECT loose FROM items WHERE id < 20 UNION ALL SELECT n FROM items WHERE id < 20;
--@ routed
SELECT loose FROM items WHERE id < 20 UNION ALL SELECT loose FROM items WHERE id < 20;
--@ subquery
SELECT id FROM items WHERE loose IN (SELECT loose FROM items WHERE id < 20);
--@ partly
SELECT (SELECT max(loose) FROM items), (SELECT loose FROM items WHERE id = 4);
--@ correlated
SELECT i.id, (SELECT k.loose FROM items k WHERE k.id = i.g) FROM items i WHERE id < 30;
--@ routed
SELECT count(loose), count(*) FILTER (WHERE loose IS NULL) FROM items;
--@ routed
SELECT a.k, b.loose, coalesce(b.loose, 0) FROM dims a LEFT JOIN (SELECT id, loose FROM items) b ON a.k = b.id;
