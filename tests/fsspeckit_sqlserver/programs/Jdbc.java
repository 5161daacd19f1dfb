// JDBC against the gateway: values of every type in and out, NULLs, fetch size, server-side statements, errors, cancel,
// COPY, metadata. Prints "ok" or throws.
import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.time.*;
import java.util.*;
import org.postgresql.PGConnection;

public class Jdbc {
    static void same(Object found, Object wanted) {
        if (!Objects.equals(found, wanted)) throw new AssertionError("found " + found + ", wanted " + wanted);
    }

    public static void main(String[] arguments) throws Exception {
        for (String mode : new String[] {"extended", "simple", "extendedForPrepared", "extendedCacheEverything"}) {
            for (String binary : new String[] {"true", "false"}) {
                String url = arguments[0] + "?preferQueryMode=" + mode + "&binaryTransfer=" + binary + "&prepareThreshold=2";
                try (Connection connection = DriverManager.getConnection(url, "tester", "")) {
                    if (!mode.equals("simple")) values(connection); // it quotes bytea in a way that no server takes
                    rows(connection);
                    errors(connection);
                    copy(connection);
                    metadata(connection);
                    cancel(connection);
                }
            }
        }
        System.out.println("ok");
    }

    static void values(Connection connection) throws Exception {
        String sql = "SELECT ?::bool, ?::int2, ?::int4, ?::int8, ?::float4, ?::float8, ?::numeric(18,4), ?::text, ?::bytea,"
            + " ?::date, ?::timestamp, ?::uuid, NULL::int, ARRAY[1,2], ?::int";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            UUID id = UUID.randomUUID();
            for (int run = 0; run < 4; run++) { // the third is a server-side statement with binary values
                statement.setBoolean(1, true);
                statement.setShort(2, (short) -7);
                statement.setInt(3, Integer.MAX_VALUE);
                statement.setLong(4, Long.MIN_VALUE);
                statement.setFloat(5, 1.5f);
                statement.setDouble(6, 0.1);
                statement.setBigDecimal(7, new BigDecimal("12345.6789"));
                statement.setString(8, "grüße");
                statement.setBytes(9, new byte[] {0, 1, -1});
                statement.setObject(10, LocalDate.of(2024, 2, 29));
                statement.setObject(11, LocalDateTime.of(2024, 2, 29, 12, 34, 56, 500_000_000));
                statement.setObject(12, id);
                statement.setNull(13, Types.INTEGER);
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    same(row.getBoolean(1), true);
                    same(row.getShort(2), (short) -7);
                    same(row.getInt(3), Integer.MAX_VALUE);
                    same(row.getLong(4), Long.MIN_VALUE);
                    same(row.getFloat(5), 1.5f);
                    same(row.getDouble(6), 0.1);
                    same(row.getBigDecimal(7), new BigDecimal("12345.6789"));
                    same(row.getString(8), "grüße");
                    same(Arrays.toString(row.getBytes(9)), "[0, 1, -1]");
                    same(row.getObject(10, LocalDate.class), LocalDate.of(2024, 2, 29));
                    same(row.getObject(11, LocalDateTime.class), LocalDateTime.of(2024, 2, 29, 12, 34, 56, 500_000_000));
                    same(row.getObject(12), id);
                    same(row.getObject(13), null);
                    same(Arrays.toString((Object[]) row.getArray(14).getArray()), "[1, 2]");
                    same(row.getObject(15), null);
                }
            }
        }
    }

    static void rows(Connection connection) throws Exception {
        connection.setAutoCommit(false);
        try (PreparedStatement statement = connection.prepareStatement("SELECT id FROM trips WHERE id < ? ORDER BY id")) {
            statement.setFetchSize(1000); // a portal that is resumed
            statement.setInt(1, 10_000);
            int count = 0;
            try (ResultSet found = statement.executeQuery()) {
                while (found.next()) same(found.getInt(1), count++);
            }
            same(count, 10_000);
        }
        connection.commit();
        connection.setAutoCommit(true);
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMP TABLE IF NOT EXISTS batch (x int, y text)");
            statement.execute("TRUNCATE batch");
        }
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO batch VALUES (?, ?)")) {
            for (int number = 0; number < 20; number++) {
                insert.setInt(1, number);
                insert.setString(2, "row " + number);
                insert.addBatch();
            }
            same(Arrays.stream(insert.executeBatch()).sum(), 20);
        }
    }

    static void errors(Connection connection) throws Exception {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            try {
                statement.executeQuery("SELECT * FROM nowhere");
                throw new AssertionError("an error was wanted");
            } catch (SQLException error) {
                same(error.getSQLState(), "42P01");
            }
            connection.rollback();
            Savepoint point = connection.setSavepoint();
            try {
                statement.executeQuery("SELECT 1/0");
                throw new AssertionError("an error was wanted");
            } catch (SQLException error) {
                same(error.getSQLState(), "22012");
            }
            connection.rollback(point);
            statement.executeQuery("SELECT 1").close();
        }
        connection.commit();
        connection.setAutoCommit(true);
    }

    static void copy(Connection connection) throws Exception {
        var manager = connection.unwrap(PGConnection.class).getCopyAPI();
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMP TABLE IF NOT EXISTS copied (x int, y text)");
            statement.execute("TRUNCATE copied");
        }
        same(manager.copyIn("COPY copied FROM STDIN (FORMAT csv)", new StringReader("1,a\n2,\n")), 2L);
        StringWriter out = new StringWriter();
        manager.copyOut("COPY (SELECT * FROM copied ORDER BY x) TO STDOUT", out);
        same(out.toString(), "1\ta\n2\t\\N\n");
    }

    static void metadata(Connection connection) throws Exception {
        DatabaseMetaData about = connection.getMetaData();
        Set<String> tables = new HashSet<>();
        try (ResultSet found = about.getTables(null, "public", "%", new String[] {"TABLE"})) {
            while (found.next()) tables.add(found.getString("TABLE_NAME"));
        }
        same(tables.contains("trips") && tables.contains("types"), true);
        Map<String, String> columns = new HashMap<>();
        try (ResultSet found = about.getColumns(null, "public", "types", "%")) {
            while (found.next()) columns.put(found.getString("COLUMN_NAME"), found.getString("TYPE_NAME"));
        }
        same(columns.get("money"), "numeric");
        same(columns.get("numbers"), "_int4");
        about.getPrimaryKeys(null, "public", "trips").close();
        about.getIndexInfo(null, "public", "trips", false, true).close();
        about.getTypeInfo().close();
    }

    static void cancel(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            try {
                statement.executeQuery("SELECT count(*) FROM trips a, trips b, trips c WHERE a.id + b.id + c.id = -1");
                throw new AssertionError("an error was wanted");
            } catch (SQLException error) {
                same(error.getSQLState(), "57014");
            }
        }
    }
}
