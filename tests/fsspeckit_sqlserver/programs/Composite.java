// A struct as a composite type, and a list of them, through JDBC. Prints "ok" or throws.
import java.sql.*;
import java.util.*;
import org.postgresql.util.PGobject;

public class Composite {
    static void same(Object found, Object wanted) {
        if (!Objects.equals(found, wanted)) throw new AssertionError("found " + found + ", wanted " + wanted);
    }

    public static void main(String[] arguments) throws Exception {
        for (String binary : new String[] {"true", "false"}) {
            String url = arguments[0] + "?binaryTransfer=" + binary + "&prepareThreshold=2";
            try (Connection connection = DriverManager.getConnection(url, "tester", "")) {
                connection.createStatement().execute("SET fsspeckit.struct_format = composite");
                String sql = "SELECT struct_pack(a := ?::int, b := 'x y') AS s, [struct_pack(a := 1, b := 'z')] AS l";
                sql = sql.replace("[struct_pack(a := 1, b := 'z')]", "array_agg(struct_pack(a := 1, b := 'z'))");
                try (PreparedStatement statement = connection.prepareStatement(sql)) {
                    for (int run = 0; run < 4; run++) {
                        statement.setInt(1, run);
                        try (ResultSet row = statement.executeQuery()) {
                            row.next();
                            PGobject value = (PGobject) row.getObject(1);
                            same(value.getValue(), "(" + run + ",\"x y\")");
                            same(value.getType().startsWith("struct_") || value.getType().contains("struct_"), true);
                            same(row.getMetaData().getColumnType(1), Types.STRUCT);
                            same(row.getString(2), "{\"(1,z)\"}");
                        }
                    }
                }
            }
        }
        System.out.println("ok");
    }
}
